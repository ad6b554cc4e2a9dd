/** Anthropic's API as it shows in answers of the gateway's own (platform.claude.com/docs/en/api/errors, …/api/models). */
import type { Dialect } from "../api/dialect.ts";
import type { ListedModel } from "../api/models.ts";
import type { Failure } from "../api/failure.ts";
import { mediaType, type Headers } from "../api/headers.ts";
import { isRecord, parseJson } from "../json.ts";
import { wrapUpstreamError } from "../request/upstream-failure.ts";

/** What the clients of Anthropic's API parse. */
export const anthropic: Dialect = {
  idHeader: "request-id",
  failureBody: body,
  failureEvent: (failure, requestId) => `event: error\ndata: ${body(failure, requestId)}\n\n`,
  isError,
  wrapError: retell,
  model: describe,
  modelList: page,
};

/** The code and who failed go where these clients look for machine-readable detail. */
function body({ status, message, code, fault, param }: Failure, requestId: string): string {
  const details = { error_code: code, fault, ...(param !== undefined && { param }) };
  const error = { type: errorType(status), message, details };
  return JSON.stringify({ type: "error", error, request_id: requestId });
}

const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

function errorType(status: number): string {
  return types[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
}

function isError(headers: Headers, answer: Buffer): boolean {
  if (mediaType(headers) !== "application/json") return false;
  const document = parseJson(answer);
  return isRecord(document) && document["type"] === "error" && isRecord(document["error"]);
}

/** An error in OpenAI's shape keeps its message and code; anything else is told as the upstream's failure. */
function retell(service: string, status: number, answer: Buffer): Failure {
  const wrapped = wrapUpstreamError(service, status, answer);
  const document = parseJson(answer);
  const error = isRecord(document) ? document["error"] : undefined;
  if (!isRecord(error) || typeof error["message"] !== "string") return wrapped;
  const code = typeof error["code"] === "string" ? error["code"] : wrapped.code;
  return { ...wrapped, message: error["message"], code };
}

/** A model whose date nobody knows carries the epoch, as the API allows. */
function describe({ id, created, context_length: length, max_model_len: known }: ListedModel) {
  const seconds = typeof created === "number" && Number.isFinite(created) ? created : 0;
  const date = new Date(seconds * 1000);
  const since = Number.isNaN(date.getTime()) ? new Date(0) : date;
  return {
    type: "model",
    id,
    display_name: id,
    created_at: since.toISOString(),
    max_input_tokens: length ?? known ?? null,
  };
}

const longestPage = 1_000;

/** Pages are cut only when a client asks for it; an id that is not in the list begins at the start. */
function page(models: readonly ListedModel[], query: URLSearchParams) {
  const after = models.findIndex(({ id }) => id === query.get("after_id")) + 1;
  const end = models.findIndex(({ id }) => id === query.get("before_id"));
  const range = models.slice(after, end === -1 ? undefined : end);
  const limit = pageLimit(query.get("limit"));
  const backwards = query.has("before_id");
  const data = (backwards ? range.slice(-limit) : range.slice(0, limit)).map(describe);
  return {
    data,
    has_more: data.length < range.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}

function pageLimit(text: string | null): number {
  const limit = Number(text ?? longestPage);
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, longestPage) : longestPage;
}
