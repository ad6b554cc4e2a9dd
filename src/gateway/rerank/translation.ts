/** Where a client asks `/v1/rerank` of a service that speaks text-embeddings-inference's dialect. */
import type { Endpoint } from "../api/endpoints.ts";
import type { Exchange } from "../api/exchange.ts";
import { failureBody, invalidBody, upstreamBroken, type Failure } from "../api/failure.ts";
import type { Headers } from "../api/headers.ts";
import { isRecord, parseJson } from "../json.ts";
import type { Translation } from "../messages/translation.ts";
import { InvalidBody } from "../request/invalid-body.ts";
import type { Payload } from "../request/payload.ts";
import type { Attempt } from "../request/relay.ts";
import type { Candidate } from "../routing/route.ts";
import { readRerank, rerankAnswer, teiRequest, type RerankRequest } from "./tei.ts";

/** Thousands of results. */
const longestAnswer = 4 * 1024 * 1024;

/** What became of a request that somebody must translate; undefined when nobody must. */
export function prepareRerank(
  endpoint: Endpoint,
  payload: Payload,
  candidates: readonly Candidate[],
):
  | Readonly<{ kind: "ready"; request: RerankRequest } | { kind: "refused"; failure: Failure }>
  | undefined {
  if (!candidates.some((candidate) => speaksTei(endpoint, candidate))) return undefined;
  const body = payload.bodyFor(undefined, []);
  if (!Buffer.isBuffer(body)) return undefined;
  try {
    return { kind: "ready", request: readRerank(body) };
  } catch (error) {
    if (!(error instanceof InvalidBody)) throw error;
    return { kind: "refused", failure: invalidBody(error.message, error.param) };
  }
}

/** Whether a candidate is asked in TEI's dialect. */
export function speaksTei(endpoint: Endpoint, { monitor }: Candidate): boolean {
  return endpoint.path === "/v1/rerank" && monitor.upstream.dialects?.rerank === "tei";
}

/** How a candidate is asked and its answer told. */
export function rerankTranslation(
  exchange: Exchange,
  request: RerankRequest,
  { monitor, model }: Candidate,
): Translation {
  const { id: service, models } = monitor.upstream;
  const id = `rerank-${exchange.id.replace(/^req_/, "")}`;
  const named = model ?? request.model ?? models[0] ?? service;
  const retell = (attempt: Attempt): Attempt => {
    if (attempt.kind !== "answer") return attempt;
    if (attempt.status >= 400) return retellRefusal(attempt, service);
    if (attempt.status >= 300) return attempt;
    const tokens = tokensIn(attempt.headers);
    const body = rerankAnswer(attempt.body, request, { id, model: named, tokens });
    if (body !== undefined)
      return { ...attempt, headers: asJson(attempt.headers), body: Buffer.from(body) };
    const failure = upstreamBroken(service, "did not answer with a ranking of the documents");
    return { kind: "failed", failure, connected: true, stale: false };
  };
  return {
    // Its own interface, not the one that is like OpenAI's.
    path: "/rerank",
    body: Buffer.from(teiRequest(request)),
    headers: asJson,
    sink: exchange.response,
    wholeUpTo: longestAnswer,
    watch: (attempt) => ({ ...attempt, result: attempt.result.then(retell) }),
    outcome: (attempt) => attempt,
  };
}

type Answer = Extract<Attempt, { kind: "answer" }>;

const clientErrors = new Set([400, 413, 422]);

/** `{"error":"…","error_type":"Validation"}`: too many or empty texts are the client's; the rest is wrapped like any other's. */
function retellRefusal(answer: Answer, service: string): Attempt {
  const told = parseJson(answer.body);
  const error = isRecord(told) ? told["error"] : undefined;
  if (!clientErrors.has(answer.status) || typeof error !== "string") return answer;
  const message = `The service "${service}" refused the request: ${error}`;
  const failure = {
    status: answer.status,
    code: "invalid_request",
    message,
    fault: "client",
  } as const;
  return { ...answer, headers: asJson(answer.headers), body: Buffer.from(failureBody(failure)) };
}

function tokensIn(headers: Headers): number | undefined {
  const tokens = Number(headers["x-compute-tokens"] ?? Number.NaN);
  return Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : undefined;
}

function asJson(headers: Headers): Headers {
  return { ...headers, "content-type": "application/json" };
}
