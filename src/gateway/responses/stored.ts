/** `/v1/responses/{id}`: what a service keeps, for the key that had it made. */
import { authenticate } from "../api/authenticate.ts";
import type { Exchange } from "../api/exchange.ts";
import type { Failure } from "../api/failure.ts";
import type { App } from "../app.ts";
import type { KeyRecord } from "../protocol.ts";
import { passOn } from "../request/answer.ts";
import { follow } from "../request/follow.ts";
import { relayLimits } from "../request/patience.ts";
import type { RelayOptions } from "../request/relay-options.ts";
import { startAttempt, type Attempt } from "../request/relay.ts";
import { inFlight } from "../request/slot.ts";
import type { Monitor } from "../upstreams/monitor.ts";
import { isResponseId } from "./response-id.ts";

/** What can be asked of a response, by method and what follows its id. */
const orders = new Set(["GET ", "DELETE ", "POST /cancel", "GET /input_items"]);

type Visit = Readonly<{
  app: App;
  exchange: Exchange;
  key: KeyRecord;
  id: string;
  monitor: Monitor;
  path: string;
}>;

/** Answers for a response that this key had made, given what stands behind `/v1/responses/`. */
export async function serveStoredResponse(
  app: App,
  exchange: Exchange,
  rest: string,
): Promise<void> {
  const key = authenticate(app, exchange, "inference");
  if (!key) return;
  const visit = findResponse(app, exchange, { key, rest });
  if ("failure" in visit) return exchange.fail(visit.failure);
  exchange.facts.upstream = visit.monitor.upstream.id;
  exchange.facts.reason = "response";
  conclude(visit, await inFlight(visit.monitor.backend, () => attempt(visit)));
}

function findResponse(
  app: App,
  exchange: Exchange,
  { key, rest }: Readonly<{ key: KeyRecord; rest: string }>,
): Visit | Readonly<{ failure: Failure }> {
  const slash = rest.indexOf("/");
  const id = slash === -1 ? rest : rest.slice(0, slash);
  const order = rest.slice(id.length);
  const method = exchange.request.method ?? "";
  if (!orders.has(`${method} ${order}`)) return { failure: unknownOrder(method) };
  const service = isResponseId(id) ? app.responses.serviceOf(key.name, id) : undefined;
  const monitor = service === undefined ? undefined : app.registry.snapshot.monitors.get(service);
  if (!monitor) return { failure: unknownResponse(id) };
  const query = exchange.query.toString();
  const path = `${monitor.upstream.api_path}/responses/${id}${order}${query && `?${query}`}`;
  return { app, exchange, key, id, monitor, path };
}

function attempt({ app, exchange, monitor, path }: Visit): Promise<Attempt> {
  const { id: service } = monitor.upstream;
  const { method = "GET" } = exchange.request;
  const options: RelayOptions = {
    backend: monitor.backend,
    limits: relayLimits(app),
    sink: exchange.response,
    ownHeaders: () => exchange.routeHeaders(),
    failureEvent: (failure) => exchange.failureEvent(failure),
    onFirstByte: () => app.metrics.firstByte(exchange.endpoint, service, exchange.seconds),
    onBroken: (failure) => exchange.note(failure),
  };
  const request = { method, path, headers: exchange.upstreamHeaders(), body: null };
  return follow({ app, exchange, service }, () => startAttempt(request, options));
}

function conclude({ app, exchange, key, id, monitor }: Visit, result: Attempt): void {
  if (result.kind === "failed") return exchange.fail(result.failure);
  if (result.kind === "cancelled")
    return app.metrics.departed(result.streaming ? "streaming" : "waiting");
  if (result.kind !== "answer") return undefined;
  const isGone = exchange.request.method === "DELETE" && result.status < 300;
  if (isGone || result.status === 404) app.responses.forget(key.name, id);
  return passOn(exchange, monitor.upstream.id, result);
}

function unknownResponse(id: string): Failure {
  const message = `The response "${id.slice(0, 200)}" is not known here for this key.`;
  return { status: 404, code: "response_not_found", param: "id", message, fault: "client" };
}

function unknownOrder(method: string): Failure {
  const message = `There is no ${method} at this path.`;
  return { status: 404, code: "unknown_url", message, fault: "client" };
}
