/** Which web pages may ask: none, unless the stack names their origins. https://fetch.spec.whatwg.org/#http-cors-protocol */
import type { IncomingMessage } from "node:http";
import type { Exchange } from "../api/exchange.ts";

/** What a page's script may read of an answer beside what it always may. */
const readable = [
  "x-request-id",
  "x-backend-used",
  "x-model-used",
  "x-router-reason",
  "x-router-attempts",
  "x-nexus-queue-ms",
  "x-nexus-overhead-ms",
  ...["limit", "remaining", "reset"].flatMap((what) => [
    `x-ratelimit-${what}-requests`,
    `x-ratelimit-${what}-tokens`,
  ]),
  "retry-after",
  "retry-after-ms",
].join(", ");

const preflightSeconds = "600";

/** Lets a page of an allowed origin read the answer; true when the request was only asking whether it might, and is answered. */
export function welcomePage(
  { request, response }: Pick<Exchange, "request" | "response">,
  allowed: readonly string[] | undefined,
): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !allowed) return false;
  response.setHeader("vary", "origin");
  if (!allowed.includes(origin) && !allowed.includes("*")) return false;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-expose-headers", readable);
  if (!isPreflight(request)) return false;
  const asked = request.headers["access-control-request-headers"];
  response.writeHead(204, {
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    ...(asked !== undefined && { "access-control-allow-headers": asked }),
    "access-control-max-age": preflightSeconds,
  });
  response.end();
  return true;
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}
