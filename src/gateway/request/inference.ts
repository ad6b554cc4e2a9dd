/** The way of a request: body, route, and from there on to the candidates. */
import type { Endpoint } from "../api/endpoints.ts";
import type { Exchange } from "../api/exchange.ts";
import type { App } from "../app.ts";
import { holdToLimits } from "../keys/hold-to-limits.ts";
import type { KeyRecord } from "../protocol.ts";
import { route, type Route } from "../routing/route.ts";
import { tryEach } from "./fall-over.ts";
import type { Inquiry } from "./inquiry.ts";
import { receiveJson } from "./payload.ts";

/** Answers a request at an inference endpoint; the answer may go on after the promise is kept only if the client reads slowly. */
export async function serveInference(
  app: App,
  exchange: Exchange,
  endpoint: Endpoint,
  key: KeyRecord,
): Promise<void> {
  if (!holdToLimits(app, exchange, key)) return;
  const received = await receiveJson(exchange, endpoint, app.settings.maxBodyBytes);
  if (received.kind === "left") return app.metrics.departed("sending");
  if (received.kind === "refused") return exchange.fail(received.failure);
  if (received.payload.stream) exchange.facts.stream = true;
  const inquiry = { app, exchange, endpoint, key, payload: received.payload };
  const found = await findRoute(inquiry);
  if (found.kind === "none") return exchange.fail(found.failure);
  exchange.facts.reason = found.reason;
  await tryEach(inquiry, found.candidates);
}

/** A model that nobody has may have been pulled a moment ago: it is looked for once more before it is refused. */
async function findRoute({ app, endpoint, key, payload }: Inquiry): Promise<Route> {
  const search = () => route(app.registry.snapshot, endpoint, payload.model, key);
  const found = search();
  if (found.kind === "found" || found.failure.status !== 404) return found;
  await app.registry.lookAgain();
  return search();
}
