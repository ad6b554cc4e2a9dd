/** What the gateway answers when a request fails: OpenAI's error shape, and who failed. */

/** Whose failure it is. */
type Fault = "client" | "policy" | "upstream" | "gateway";

/** A failed request, ready to be written as an HTTP answer or as the last event of a stream. */
export type Failure = Readonly<{
  status: number;
  code: string;
  message: string;
  fault: Fault;
  param?: string;
  /** When it is worth asking again, in milliseconds. */
  retryAfterMs?: number;
}>;

/** What a failure is called in metrics and logs: never by a name that an upstream gave it. */
export function failureName({ code, fault }: Failure): string {
  return fault !== "upstream" || ownNames.has(code) ? code : "upstream_error";
}

const ownNames: ReadonlySet<string> = new Set([
  "upstream_unavailable",
  "upstream_timeout",
  "backend_not_ready",
]);

/** The JSON document of a failure, as OpenAI's clients parse it. */
export function failureBody({ status, code, message, fault, param }: Failure): string {
  const error = { message, type: errorType(status), param: param ?? null, code, fault };
  return JSON.stringify({ error });
}

/** The last event of a stream that failed after it began: no `[DONE]` follows it. */
export function failureEvent(failure: Failure): string {
  return `data: ${failureBody(failure)}\n\n`;
}

/** Headers that belong to a failure, `Retry-After` in every spelling that clients read among them. */
export function failureHeaders(failure: Failure): Record<string, string> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (failure.status === 401) headers["www-authenticate"] = "Bearer";
  if (failure.retryAfterMs !== undefined) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(failure.retryAfterMs / 1000)));
    headers["retry-after-ms"] = String(Math.round(failure.retryAfterMs));
    headers["x-should-retry"] = "true";
  }
  return headers;
}

function errorType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

/** A body that is not the JSON the endpoint asks for. */
export function invalidBody(message: string, param?: string): Failure {
  const failure = { status: 400, code: "invalid_request_body", message, fault: "client" } as const;
  return param === undefined ? failure : { ...failure, param };
}

/** A body larger than the gateway takes. */
export function bodyTooLarge(limitBytes: number): Failure {
  const message = `The request body is larger than the limit of ${limitBytes} bytes.`;
  return { status: 413, code: "request_too_large", message, fault: "client" };
}

/** Request bodies fill the memory that is set aside for them. */
export function overloaded(): Failure {
  const message = "The gateway holds as many request bodies as it has room for.";
  const again = { retryAfterMs: 1_000 };
  return { status: 503, code: "overloaded", message, fault: "gateway", ...again };
}

/** A compressed body, whose model cannot be seen. */
export function unsupportedEncoding(): Failure {
  const message = "Request bodies are taken without a Content-Encoding only.";
  return { status: 415, code: "unsupported_content_encoding", message, fault: "client" };
}

/** A large body could not be kept until its model was known. */
export function spoolFailure(): Failure {
  const message =
    "The gateway has no room to keep this upload until its `model` has come: put `model` before the file, or name it in the header x-nexus-model.";
  return { status: 503, code: "spool_failed", message, fault: "gateway" };
}

/** The upstream could not be reached, or closed the connection without an answer. */
export function upstreamUnavailable(service: string, reason: string): Failure {
  const message = `The service "${service}" ${reason}.`;
  const again = { retryAfterMs: 2_000 };
  return { status: 503, code: "upstream_unavailable", message, fault: "upstream", ...again };
}

/** The upstream answered something that is no answer. */
export function upstreamBroken(service: string, reason: string): Failure {
  const message = `The service "${service}" ${reason}.`;
  return { status: 502, code: "upstream_error", message, fault: "upstream" };
}

/** The upstream was silent for longer than the gateway waits. */
export function upstreamTimeout(service: string, waitedMs: number): Failure {
  const message = `The service "${service}" sent nothing for ${Math.round(waitedMs / 1000)} s.`;
  return { status: 504, code: "upstream_timeout", message, fault: "upstream" };
}

/** The request as a whole took longer than the stack lets one take. */
export function tookTooLong(limitMs: number): Failure {
  const message = `The request took longer than ${Math.round(limitMs / 1000)} s, the limit of this gateway.`;
  return { status: 504, code: "upstream_timeout", message, fault: "policy" };
}

/** The gateway is going down and takes nothing new. */
export function shuttingDown(): Failure {
  const message = "The gateway is shutting down.";
  const again = { retryAfterMs: 2_000 };
  return { status: 503, code: "shutting_down", message, fault: "gateway", ...again };
}

/** A bug of ours; says nothing of the inside. */
export function internalFailure(): Failure {
  const message = "The gateway failed; its log says why under this request id.";
  return { status: 500, code: "internal_error", message, fault: "gateway" };
}
