/** What to say of an upstream that failed: who and how, never where it is. */
import { mediaType, type Headers } from "../api/headers.ts";
import {
  upstreamBroken,
  upstreamTimeout,
  upstreamUnavailable,
  type Failure,
} from "../api/failure.ts";
import { upstreamWords } from "./upstream-words.ts";

/** Reasons by the codes of Node and undici; what is not listed is told by when it happened. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused the connection",
  ENOTFOUND: "has no address: it is not running",
  EAI_AGAIN: "has no address: it is not running",
  ETIMEOUT: "has no address: it is not running",
  ESERVFAIL: "has no address: it is not running",
  EHOSTUNREACH: "cannot be reached",
  ENETUNREACH: "cannot be reached",
  ETIMEDOUT: "did not accept the connection in time",
  UND_ERR_CONNECT_TIMEOUT: "did not accept the connection in time",
  timeout: "did not accept the connection in time",
  DEPTH_ZERO_SELF_SIGNED_CERT: "has a certificate that is not trusted",
  SELF_SIGNED_CERT_IN_CHAIN: "has a certificate that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "has a certificate that is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "has a certificate that is not trusted",
  CERT_HAS_EXPIRED: "has a certificate that has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "has a certificate for another name",
};

/** Why no connection came about, as the end of a sentence that begins with the service. */
export function whyUnconnected(code: string): string {
  return reasons[code] ?? "cannot be reached";
}

/** Names a failure that happened before the first byte of an answer. */
export function nameFailure(service: string, error: Error, connected: boolean): Failure {
  const code = errorCode(error);
  if (code.startsWith("HPE_"))
    return upstreamBroken(service, "answered something that is not HTTP");
  if (!connected) return upstreamUnavailable(service, whyUnconnected(code));
  return upstreamBroken(service, "closed the connection before it answered");
}

/** Names an answer that broke off. */
export function truncatedAnswer(service: string): Failure {
  return upstreamBroken(service, "broke off in the middle of its answer");
}

/** Names an upstream that fell silent. */
export function timeoutFailure(service: string, waitedMs: number): Failure {
  return upstreamTimeout(service, waitedMs);
}

/** Whether an error answer is in OpenAI's shape and may reach the client as it is. */
export function isOpenAiError(headers: Headers, body: Buffer): boolean {
  return mediaType(headers) === "application/json" && openAiError(body) !== undefined;
}

function openAiError(body: Buffer): Record<string, unknown> | undefined {
  try {
    const document: unknown = JSON.parse(body.toString());
    const error = isRecord(document) ? document["error"] : undefined;
    return isRecord(error) && typeof error["message"] === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

/** An error answer in any other shape, told in ours: its status is kept where clients understand it. */
export function wrapUpstreamError(service: string, status: number, body: Buffer): Failure {
  const told = upstreamWords(body);
  const message = `The service "${service}" answered ${status}${told ? `: ${told}` : "."}`;
  const failure = { status, code: "upstream_error", message, fault: "upstream" } as const;
  return status === 503 || status === 429 ? { ...failure, retryAfterMs: 2_000 } : failure;
}

/** An answer that came too late for a status of its own, as the failure that ends the stream. */
export function tellInEvents(service: string, status: number, body: Buffer): Failure {
  if (status < 400) return upstreamBroken(service, "answered with something that is no stream");
  const told = openAiError(body);
  const failure = wrapUpstreamError(service, status, body);
  if (!told) return failure;
  const { message, code, param } = told;
  return {
    ...failure,
    message: String(message),
    ...(typeof code === "string" && { code }),
    ...(typeof param === "string" && { param }),
  };
}

/** The code of a system error; several addresses tried in vain make one AggregateError. */
export function errorCode(error: unknown): string {
  if (!isRecord(error)) return "";
  if (typeof error["code"] === "string") return error["code"];
  const { errors, cause } = error;
  return errorCode(Array.isArray(errors) ? errors[0] : cause);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object";
}
