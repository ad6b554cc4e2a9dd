/** Which API a client speaks, as far as it shows in answers of the gateway's own: errors and lists of models. */
import type { IncomingHttpHeaders } from "node:http";
import { anthropic } from "../messages/dialect.ts";
import { isOpenAiError, wrapUpstreamError } from "../request/upstream-failure.ts";
import { failureBody, failureEvent, type Failure } from "./failure.ts";
import type { Headers } from "./headers.ts";
import type { ListedModel } from "./models.ts";

/** One way of telling clients things. */
export type Dialect = Readonly<{
  /** Names a request in an answer's headers, beside `x-request-id`. */
  idHeader: string | undefined;
  /** The JSON document of a failure. */
  failureBody: (failure: Failure, requestId: string) => string;
  /** The last event of a stream that failed after it began. */
  failureEvent: (failure: Failure, requestId: string) => string;
  /** Whether an upstream's error answer is in the shape that these clients parse. */
  isError: (headers: Headers, body: Buffer) => boolean;
  /** An upstream's error answer in another shape. */
  wrapError: (service: string, status: number, body: Buffer) => Failure;
  model: (model: ListedModel) => unknown;
  /** The list of models, as much of it as the query asks for. */
  modelList: (models: readonly ListedModel[], query: URLSearchParams) => unknown;
}>;

const openai: Dialect = {
  idHeader: undefined,
  failureBody,
  failureEvent,
  isError: isOpenAiError,
  wrapError: wrapUpstreamError,
  model: (model) => model,
  modelList: (models) => ({ object: "list", data: models }),
};

/** Paths that both APIs have, and those that nobody has: the header tells who asks. */
const ambiguous = new Set(["/v1/models", "/v1/models/{id}", "/services/{id}", "_other"]);

/** The dialect of a request, by its route and, where that does not tell, by the header that Anthropic's clients send. */
export function dialectOf(endpoint: string, headers: IncomingHttpHeaders): Dialect {
  if (endpoint.startsWith("/v1/messages")) return anthropic;
  const asks = headers["anthropic-version"] !== undefined;
  return asks && ambiguous.has(endpoint) ? anthropic : openai;
}
