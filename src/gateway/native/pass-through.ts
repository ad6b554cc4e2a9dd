/** `/services/<id>/…`: a service's own interface, for clients that speak it and keys that may administer. */
import { authenticate } from "../api/authenticate.ts";
import type { Exchange } from "../api/exchange.ts";
import { bodyTooLarge, upstreamBroken, type Failure } from "../api/failure.ts";
import type { App } from "../app.ts";
import { holdToLimits, largestBody } from "../keys/hold-to-limits.ts";
import { isUnlimited } from "../keys/scopes.ts";
import type { KeyRecord } from "../protocol.ts";
import { follow } from "../request/follow.ts";
import { announcesTooMuch, lingerOver } from "../request/body.ts";
import { relayLimits } from "../request/patience.ts";
import type { RelayOptions, RelayRequest, Sink } from "../request/relay-options.ts";
import { startAttempt, type Attempt } from "../request/relay.ts";
import { inFlight, inSlot } from "../request/slot.ts";
import { nearNames } from "../routing/near-names.ts";
import type { Monitor } from "../upstreams/monitor.ts";
import { UsageTap } from "../usage/usage-tap.ts";
import { locationAtGateway, withoutInside, type Asked } from "./location.ts";
import { readTarget, type Target } from "./target.ts";
import { openUpload, uploadHeaders } from "./upload.ts";

/** A request to a service's own interface. */
type Visit = Readonly<{
  app: App;
  exchange: Exchange;
  key: KeyRecord;
  monitor: Monitor;
  path: string;
}>;

/** Answers with what the service answers, as it comes. */
export async function servePassThrough(app: App, exchange: Exchange): Promise<void> {
  const key = authenticate(app, exchange, "admin");
  if (!key) return;
  const found = findService(app, key, exchange.request.url ?? "/");
  if ("failure" in found) return exchange.fail(found.failure);
  const isLook = looks.has(exchange.request.method ?? "");
  if (!isLook && !holdToLimits(app, exchange, key)) return;
  const most = largestBody(key, Infinity);
  if (announcesTooMuch(exchange.request, most)) return exchange.fail(bodyTooLarge(most));
  const { monitor, path } = found;
  exchange.facts.upstream = monitor.upstream.id;
  exchange.facts.reason = "service";
  const visit = { app, exchange, key, monitor, path };
  const attempt = await takeTurn(visit);
  if (attempt) conclude(visit, attempt);
}

/** The service that a request target names, for a key that may use all of it; the path is the one at its root. */
export function findService(
  app: App,
  key: KeyRecord,
  target: string,
): Readonly<{ monitor: Monitor; path: string } | { failure: Failure }> {
  if (!isUnlimited(key)) return { failure: limitedKey() };
  const read = readTarget(target);
  if (!read) return { failure: climbingPath() };
  const { monitors } = app.registry.snapshot;
  const monitor = monitors.get(read.service);
  return monitor
    ? { monitor, path: read.path }
    : { failure: unknownService(read, [...monitors.keys()]) };
}

/** What only looks takes no slot: a list must not wait for the work it lists. */
const looks = new Set(["GET", "HEAD", "OPTIONS"]);

function takeTurn(visit: Visit): Promise<Attempt | undefined> {
  const { backend } = visit.monitor;
  const isLook = looks.has(visit.exchange.request.method ?? "");
  return isLook
    ? inFlight(backend, () => attemptTwice(visit))
    : inSlot({ ...visit, backend }, () => attemptTwice(visit));
}

/** What never reached anybody is sent once more, if all of it is still here. */
async function attemptTwice(visit: Visit): Promise<Attempt> {
  const body = openUpload(visit.exchange, largestBody(visit.key, Infinity));
  const first = await attemptOnce(visit, body);
  const isStale = first.kind === "failed" && first.stale && body === null;
  if (!isStale) return first;
  visit.app.metrics.retried(visit.monitor.upstream.id);
  return attemptOnce(visit, null);
}

async function attemptOnce(visit: Visit, body: RelayRequest["body"]): Promise<Attempt> {
  const { app, exchange, monitor, path } = visit;
  const { id: service } = monitor.upstream;
  if (exchange.left) return { kind: "cancelled", streaming: false };
  const { method = "GET" } = exchange.request;
  const sent = { ...exchange.upstreamHeaders(), ...uploadHeaders(exchange) };
  const tap = new UsageTap({ hidesUsage: false, textBytes: undefined });
  exchange.tap = tap;
  const options: RelayOptions = {
    tap,
    backend: monitor.backend,
    limits: relayLimits(app),
    sink: sinkOf(exchange, askedBy(visit)),
    holds: (status, { location }) => isRedirect(status) && location !== undefined,
    ownHeaders: () => exchange.routeHeaders(),
    failureEvent: (failure) => exchange.failureEvent(failure),
    onFirstByte: () => app.metrics.firstByte(exchange.endpoint, service, exchange.seconds),
    onBroken: (failure) => exchange.note(failure),
  };
  const start = () => startAttempt({ method, path, headers: sent, body }, options);
  return follow({ app, exchange, service }, start);
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

function askedBy({ monitor, path }: Visit): Asked {
  return { service: monitor.upstream.id, origin: monitor.backend.origin, path };
}

/** The client's answer, with every place in it told as the client can reach it. */
function sinkOf({ response }: Exchange, asked: Asked): Sink {
  return {
    writeHead: (status, headers) => response.writeHead(status, withoutInside(headers, asked)),
    flushHeaders: () => response.flushHeaders(),
    write: (chunk) => response.write(chunk),
    end: (chunk) => response.end(chunk),
    destroy: () => response.destroy(),
    once: (event, listener) => response.once(event, listener),
    get headersSent() {
      return response.headersSent;
    },
  };
}

function conclude(visit: Visit, attempt: Attempt): void {
  const { app, exchange } = visit;
  switch (attempt.kind) {
    case "answer":
      return passRedirect(visit, attempt);
    case "failed":
      return exchange.fail(attempt.failure);
    case "cancelled":
      return app.metrics.departed(attempt.streaming ? "streaming" : "waiting");
    case "streamed":
    case "broken":
    default:
      // An upstream may answer before it has read everything.
      return lingerOver(exchange.request);
  }
}

/** A redirect is the client's to follow, where it leads to the same service; it is told nothing of other places. */
function passRedirect(visit: Visit, attempt: Extract<Attempt, { kind: "answer" }>): void {
  const { exchange } = visit;
  const asked = askedBy(visit);
  if (locationAtGateway(String(attempt.headers["location"]), asked) === undefined) {
    const reason = "answered with a redirect to another place, which is not followed";
    return exchange.fail(upstreamBroken(asked.service, reason));
  }
  const headers = { ...withoutInside(attempt.headers, asked), ...exchange.routeHeaders() };
  exchange.send(attempt.status, headers, attempt.body);
}

function limitedKey(): Failure {
  const message =
    "A key that is limited to models cannot use a service's own interface, which knows no such limit.";
  return { status: 403, code: "insufficient_scope", message, fault: "policy" };
}

function climbingPath(): Failure {
  const message = "A path with a segment `.` or `..` is not passed on.";
  return { status: 400, code: "invalid_path", message, fault: "client" };
}

function unknownService({ service }: Target, known: readonly string[]): Failure {
  const near = nearNames(service, known);
  const hint = near.length > 0 ? ` Did you mean ${near.join(" or ")}?` : "";
  const message = `There is no service "${service}" here.${hint}`;
  return { status: 404, code: "service_not_found", message, fault: "client" };
}
