/** Which headers cross the gateway, in either direction. */
import type { IncomingHttpHeaders } from "node:http";

/** Header values by lower-case name. */
export type Headers = Record<string, string | string[]>;

/** RFC 9110, section 7.6.1, and those that speak of one connection by custom. */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** The client's credentials and address are the gateway's business; length, host and encoding are set anew. */
const keptFromUpstream = new Set([
  ...hopByHop,
  "authorization",
  "x-api-key",
  "x-session-token",
  "cookie",
  "host",
  "content-length",
  "accept-encoding",
  "expect",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "x-request-id",
  "traceparent",
  // A browser's client has no other place for its key.
  "sec-websocket-protocol",
]);

/** What the gateway says itself, and what would let an upstream speak for the gateway's origin. */
const keptFromClient = new Set([
  ...hopByHop,
  "content-length",
  "set-cookie",
  "alt-svc",
  "strict-transport-security",
  "x-request-id",
  "request-id",
  "x-backend-used",
  "x-model-used",
  "x-router-reason",
  "x-nexus-overhead-ms",
  "x-nexus-queue-ms",
  "x-router-attempts",
]);

/** What every event stream says: nobody on the way may keep or collect it. */
export const streamHeaders = { "cache-control": "no-cache", "x-accel-buffering": "no" } as const;

/** The headers an upstream gets: the client's, without what is not meant for it, in the trace that the request belongs to. */
export function upstreamHeaders(
  headers: IncomingHttpHeaders,
  requestId: string,
  traceparent: string | undefined,
): Headers {
  const passed = pass(headers, keptFromUpstream, isForGateway);
  passed["accept-encoding"] = "identity";
  passed["x-request-id"] = requestId;
  if (traceparent !== undefined) passed["traceparent"] = traceparent;
  else if (passed["tracestate"] !== undefined) delete passed["tracestate"];
  return passed;
}

/** What clients of OpenAI's libraries tell of themselves, and what the gateway itself was told. */
function isForGateway(name: string): boolean {
  return name.startsWith("x-stainless-") || name.startsWith("x-nexus-");
}

/** The headers a client gets: the upstream's, without what speaks of the connection behind the gateway. */
export function clientHeaders(headers: IncomingHttpHeaders): Headers {
  return pass(headers, keptFromClient, (name) => name.startsWith("access-control-"));
}

function pass(
  headers: IncomingHttpHeaders,
  kept: ReadonlySet<string>,
  isKept: (name: string) => boolean,
): Headers {
  const named = connectionNames(headers.connection);
  const passed: Headers = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || kept.has(name) || isKept(name) || named?.has(name)) continue;
    passed[name] = value;
  }
  return passed;
}

function connectionNames(connection: string | string[] | undefined): Set<string> | undefined {
  if (connection === undefined) return undefined;
  const text = String(connection).toLowerCase();
  if (text === "keep-alive" || text === "close") return undefined;
  return new Set(text.split(",").map((name) => name.trim()));
}

/** The media type without its parameters, in lower case. */
export function mediaType(headers: IncomingHttpHeaders): string {
  const type = headers["content-type"] ?? "";
  if (type === "application/json" || type === "text/event-stream") return type;
  return type.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
