/** The way of a request: body, model, route, slot, upstream; and on to the next candidate while nothing has been answered. */
import type { App } from "./app.ts";
import { announcesTooMuch, readBody } from "./body.ts";
import { InvalidBody, scanBody, spliceModel, type BodyScan } from "./body-scan.ts";
import type { Endpoint } from "./endpoints.ts";
import type { Exchange } from "./exchange.ts";
import {
  bodyTooLarge,
  internalFailure,
  invalidBody,
  upstreamBroken,
  type Failure,
} from "./failure.ts";
import { upstreamHeaders } from "./headers.ts";
import type { KeyRecord } from "./protocol.ts";
import { startAttempt, type Attempt, type RelayRequest } from "./relay.ts";
import { route, type Candidate, type Route } from "./routing.ts";
import { isOpenAiError, wrapUpstreamError } from "./upstream-failure.ts";

/** A request whose body has been read and understood. */
type Inquiry = Readonly<{
  app: App;
  exchange: Exchange;
  endpoint: Endpoint;
  key: KeyRecord;
  body: Buffer;
  scan: BodyScan;
}>;

/** Answers a request at an inference endpoint; the answer may go on after the promise is kept only if the client reads slowly. */
export async function serveInference(
  app: App,
  exchange: Exchange,
  endpoint: Endpoint,
  key: KeyRecord,
): Promise<void> {
  const body = await receive(app, exchange);
  if (!body) return;
  const scan = understand(body, endpoint);
  if ("failure" in scan) return exchange.fail(scan.failure);
  const inquiry = { app, exchange, endpoint, key, body, scan };
  const found = await findRoute(inquiry);
  if (found.kind === "none") return exchange.fail(found.failure);
  exchange.facts.reason = found.reason;
  await tryEach(inquiry, found.candidates);
}

/** A model that nobody has may have been pulled a moment ago: it is looked for once more before it is refused. */
async function findRoute({ app, endpoint, key, scan }: Inquiry): Promise<Route> {
  const search = () => route(app.registry.snapshot, endpoint, scan.model?.value, key);
  const found = search();
  if (found.kind === "found" || found.failure.status !== 404) return found;
  await app.registry.lookAgain();
  return search();
}

async function receive(app: App, exchange: Exchange): Promise<Buffer | undefined> {
  const { maxBodyBytes } = app.settings;
  if (announcesTooMuch(exchange.request, maxBodyBytes)) {
    exchange.fail(bodyTooLarge(maxBodyBytes));
    return undefined;
  }
  const read = await readBody(exchange.request, exchange.response, maxBodyBytes);
  if (read.kind === "read") return read.body;
  if (read.kind === "too-large") exchange.fail(bodyTooLarge(maxBodyBytes));
  return undefined;
}

function understand(body: Buffer, endpoint: Endpoint): BodyScan | Readonly<{ failure: Failure }> {
  try {
    const scan = scanBody(body);
    if (scan.model || endpoint.model === "optional") return scan;
    return { failure: invalidBody("The request body must name a `model`.", "model") };
  } catch (error) {
    if (error instanceof InvalidBody) return { failure: invalidBody(error.message, error.param) };
    throw error;
  }
}

/** Falls over to the next candidate while the client has not been given a byte; the last one's failure is the answer. */
async function tryEach(inquiry: Inquiry, candidates: readonly Candidate[]): Promise<void> {
  const { app, exchange } = inquiry;
  for (const [index, candidate] of candidates.entries()) {
    const isLast = index === candidates.length - 1;
    const { upstream, backend } = candidate.monitor;
    exchange.facts.upstream = upstream.id;
    if (candidate.model !== undefined) exchange.facts.model = candidate.model;
    // A place in line is the client's to give up: only a failed attempt moves it to another upstream.
    const attempt = await admit(inquiry, candidate);
    if (!attempt) return;
    if (attempt.kind === "failed") void candidate.monitor.look();
    if (isLast || !isWorthAnother(attempt)) return conclude(inquiry, upstream.id, attempt);
    app.metrics.fellOver(backend.id);
  }
}

function isWorthAnother(attempt: Attempt): boolean {
  if (attempt.kind === "failed") return attempt.failure.fault === "upstream";
  return attempt.kind === "answer" && attempt.status >= 500;
}

/** Waits for a slot and holds it until the last byte; undefined when the exchange ended without an attempt. */
async function admit(inquiry: Inquiry, candidate: Candidate): Promise<Attempt | undefined> {
  const { app, exchange, key } = inquiry;
  const { backend } = candidate.monitor;
  const done = backend.begin();
  try {
    const entry = await backend.gate.enter(key.name, (leave) => exchange.onLeave(leave));
    if (entry.kind === "left") app.metrics.departed("queued");
    if (entry.kind === "refused") refuse(inquiry, backend.id, entry);
    if (entry.kind !== "admitted") return undefined;
    app.metrics.admitted(backend.id, entry.slot.waitedMs / 1000);
    try {
      return await attemptTwice(inquiry, candidate);
    } finally {
      entry.slot.release();
    }
  } finally {
    done();
  }
}

function refuse(
  { app, exchange }: Inquiry,
  service: string,
  { reason, retryAfterMs }: Readonly<{ reason: string; retryAfterMs: number }>,
): void {
  app.metrics.rejected(service, reason);
  const message = `The service "${service}" is busy and its queue ${reason === "queue_full" ? "is full" : "moves too slowly"}.`;
  exchange.fail({ status: 429, code: reason, message, fault: "policy", retryAfterMs });
}

/** A kept-alive connection may close under a request: such a request reached nobody and is sent once more. */
async function attemptTwice(inquiry: Inquiry, candidate: Candidate): Promise<Attempt> {
  const request = relayRequest(inquiry, candidate);
  const first = await attemptOnce(inquiry, candidate, request);
  const isStale = first.kind === "failed" && first.stale && first.failure.status !== 504;
  return isStale ? attemptOnce(inquiry, candidate, request) : first;
}

async function attemptOnce(
  { app, exchange, endpoint }: Inquiry,
  { monitor }: Candidate,
  request: RelayRequest,
): Promise<Attempt> {
  if (exchange.left) return { kind: "cancelled", streaming: false };
  const attempt = startAttempt(request, {
    backend: monitor.backend,
    limits: app.settings.limits,
    sink: exchange.response,
    ownHeaders: () => exchange.routeHeaders(),
    onFirstByte: () => app.metrics.firstByte(endpoint.path, monitor.upstream.id, exchange.seconds),
    onBroken: (failure) => {
      app.metrics.brokenStream(monitor.upstream.id);
      exchange.note(failure);
    },
  });
  exchange.onLeave(attempt.cancel);
  exchange.onCut(attempt.breakOff);
  const result = await attempt.result;
  exchange.onLeave(undefined);
  exchange.onCut(undefined);
  return result;
}

function relayRequest(inquiry: Inquiry, { monitor, model }: Candidate): RelayRequest {
  const { exchange, endpoint, body, scan } = inquiry;
  const { request, id } = exchange;
  const isRewritten = scan.model && model !== undefined && model !== scan.model.value;
  return {
    method: endpoint.method,
    path: monitor.upstream.api_path + endpoint.upstreamPath,
    headers: upstreamHeaders(request.headers, id),
    body: isRewritten ? spliceModel(body, scan.model, model) : body,
  };
}

/** Gives the client what the last attempt came to. */
function conclude({ app, exchange, endpoint }: Inquiry, service: string, attempt: Attempt): void {
  switch (attempt.kind) {
    case "answer":
      app.metrics.firstByte(endpoint.path, service, exchange.seconds);
      return answer(exchange, service, attempt);
    case "failed":
      return exchange.fail(attempt.failure);
    case "cancelled":
      return app.metrics.departed(attempt.streaming ? "streaming" : "waiting");
    case "broken":
    case "streamed":
      return undefined;
    default:
      return exchange.fail(internalFailure());
  }
}

function answer(
  exchange: Exchange,
  service: string,
  { status, headers, body }: Extract<Attempt, { kind: "answer" }>,
): void {
  if (status < 400 && status >= 300) {
    return exchange.fail(
      upstreamBroken(service, "answered with a redirect, which is not followed"),
    );
  }
  if (status >= 400 && !isOpenAiError(headers, body)) {
    return exchange.fail(wrapUpstreamError(service, status, body));
  }
  exchange.send(status, { ...headers, ...exchange.routeHeaders() }, body);
}
