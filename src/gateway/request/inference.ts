/** The way of a request: body, route, and from there on to the candidates. */
import type { Endpoint } from "../api/endpoints.ts";
import type { Exchange } from "../api/exchange.ts";
import type { App } from "../app.ts";
import { holdToLimits } from "../keys/hold-to-limits.ts";
import type { KeyRecord } from "../protocol.ts";
import { bindToPrevious } from "../responses/previous.ts";
import { orderCandidates } from "../routing/order.ts";
import { route, type Route } from "../routing/route.ts";
import { sessionOf } from "../routing/session.ts";
import { capPayload } from "./caps.ts";
import { tryEach } from "./fall-over.ts";
import type { Inquiry } from "./inquiry.ts";
import { withModel } from "./default-model.ts";
import { limitTotal, startHeartbeat } from "./patience.ts";
import { prepare } from "./prepare.ts";
import { receive } from "./receive.ts";

/** Answers a request at an inference endpoint; the answer may go on after the promise is kept only if the client reads slowly. */
export async function serveInference(
  app: App,
  exchange: Exchange,
  endpoint: Endpoint,
  key: KeyRecord,
): Promise<void> {
  if (!holdToLimits(app, exchange, key)) return;
  const received = await receive(app, exchange, endpoint, key);
  if (received.kind === "left") return app.metrics.departed("sending");
  if (received.kind === "refused") return exchange.fail(received.failure);
  if (received.payload.stream) exchange.facts.stream = true;
  const payload = withModel(received.payload, endpoint, app.registry.snapshot);
  const came = { app, exchange, endpoint, key, payload };
  const found = bindToPrevious(came, await findRoute(came));
  if (found.kind === "none") return exchange.fail(found.failure);
  const asked = { ...came, payload: capPayload(payload, endpoint, found.caps) };
  const prepared = prepare(endpoint, asked.payload, found.candidates);
  if (prepared.kind === "refused") return exchange.fail(prepared.failure);
  const ordered = orderCandidates(prepared.candidates, () => session(asked));
  exchange.facts.reason = [found.reason, ...ordered.because].join("; ");
  const heartbeat = startHeartbeat(asked, found);
  const endLimit = limitTotal(app, exchange);
  try {
    await tryEach({ ...asked, heartbeat, ...prepared.translated }, ordered.candidates);
  } finally {
    heartbeat?.stop();
    endLimit();
  }
}

const remembering = new Set(["chat", "completion", "messages"]);

/** Endpoints whose upstreams remember what they have read; asked only where several could answer. */
function session({
  exchange,
  endpoint,
  key,
  payload,
}: Omit<Inquiry, "heartbeat">): string | undefined {
  const remembers = endpoint.capabilities.some((one) => remembering.has(one));
  const body = remembers ? payload.bodyFor(undefined, []) : undefined;
  if (!(body instanceof Buffer)) return undefined;
  return sessionOf({ key: key.name, headers: exchange.request.headers, body });
}

/** A model that nobody has may have been pulled a moment ago: it is looked for once more before it is refused. */
async function findRoute({
  app,
  endpoint,
  key,
  payload,
}: Omit<Inquiry, "heartbeat">): Promise<Route> {
  const search = () => route(app.registry.snapshot, endpoint, payload, key);
  const found = search();
  if (found.kind === "found" || found.failure.status !== 404) return found;
  await app.registry.lookAgain();
  return search();
}
