/** Where a client of Anthropic's API is answered by a service that knows only chat completions. */
import type { Endpoint } from "../api/endpoints.ts";
import type { Exchange } from "../api/exchange.ts";
import { invalidBody, upstreamBroken, type Failure } from "../api/failure.ts";
import type { Headers } from "../api/headers.ts";
import { InvalidBody } from "../request/invalid-body.ts";
import type { Payload } from "../request/payload.ts";
import type { Sink } from "../request/relay-options.ts";
import type { Attempt, RunningAttempt } from "../request/relay.ts";
import type { Candidate } from "../routing/route.ts";
import { BrokenAnswer } from "./ending.ts";
import { MessageSink } from "./message-sink.ts";
import { servesNatively } from "./native.ts";
import { translateRequest, type ChatRequest } from "./request.ts";
import { retoldAnswer } from "./retold-answer.ts";

/** What became of a request that somebody must translate; undefined when nobody must. */
export type Prepared = Readonly<
  { kind: "ready"; request: ChatRequest } | { kind: "refused"; failure: Failure }
>;

/** Translates a request once for all candidates that need it. */
export function prepareTranslation(
  endpoint: Endpoint,
  payload: Payload,
  candidates: readonly Candidate[],
): Prepared | undefined {
  if (!candidates.some((candidate) => isTranslated(endpoint, candidate))) return undefined;
  const body = payload.bodyFor(undefined, []);
  if (!Buffer.isBuffer(body)) return undefined;
  try {
    return { kind: "ready", request: translateRequest(body) };
  } catch (error) {
    if (!(error instanceof InvalidBody)) throw error;
    return { kind: "refused", failure: invalidBody(error.message, error.param) };
  }
}

/** Whether a candidate is asked for a chat completion instead. */
export function isTranslated(endpoint: Endpoint, { monitor }: Candidate): boolean {
  return endpoint.translatedFor !== undefined && !servesNatively(monitor, endpoint);
}

/** One attempt in translation. */
export type Translation = Readonly<{
  /** At the upstream. */
  path: string;
  body: Buffer;
  headers: (headers: Headers) => Headers;
  sink: Sink;
  /** Set where the answer can be told only once it is there, up to so many bytes; the sink gets nothing then. */
  wholeUpTo?: number;
  /** Lets the sink end the attempt when its answer makes no sense. */
  watch: (attempt: RunningAttempt) => RunningAttempt;
  /** The attempt as the client may be told of it. */
  outcome: (attempt: Attempt) => Attempt;
}>;

/** How a candidate is asked and its answer told. */
export function translationFor(
  exchange: Exchange,
  request: ChatRequest,
  { monitor, model = "" }: Candidate,
): Translation {
  const { id: service, api_path: apiPath } = monitor.upstream;
  const id = `msg_${exchange.id.replace(/^req_/, "")}`;
  const { stream, thinking, stopSequences } = request;
  const asked = { id, model, stream, thinking, stopSequences };
  let running: RunningAttempt | undefined;
  const giveUp = (failure: Failure) => running?.breakOff(failure);
  const fail = (failure: Failure) => exchange.fail(failure);
  const failureEvent = (failure: Failure) => exchange.failureEvent(failure);
  return {
    path: `${apiPath}/chat/completions`,
    body: Buffer.from(JSON.stringify({ model, ...request.body })),
    headers: withoutAnthropic,
    sink: new MessageSink({ to: exchange.response, asked, service, failureEvent, giveUp, fail }),
    watch: (attempt) => {
      running = attempt;
      return attempt;
    },
    outcome: (attempt) =>
      isWhole(attempt) ? passEvents(exchange, retell(attempt, service, asked)) : attempt,
  };
}

type WholeAnswer = Extract<Attempt, { kind: "answer" }>;

function isWhole(attempt: Attempt): attempt is WholeAnswer {
  return attempt.kind === "answer" && attempt.status < 300;
}

function retell(
  answer: WholeAnswer,
  service: string,
  asked: Parameters<typeof retoldAnswer>[1],
): Attempt {
  try {
    const { headers, body } = retoldAnswer(answer.body, asked);
    return { ...answer, headers: { ...answer.headers, ...headers }, body: Buffer.from(body) };
  } catch (error) {
    if (!(error instanceof BrokenAnswer)) throw error;
    const failure = upstreamBroken(service, error.message);
    return { kind: "failed", failure, connected: true, stale: false };
  }
}

/** An answer to a client that was given the head of a stream while it waited goes on as one. */
function passEvents(exchange: Exchange, attempt: Attempt): Attempt {
  if (attempt.kind !== "answer" || !exchange.begun) return attempt;
  exchange.response.end(attempt.body);
  const { status, body } = attempt;
  return { kind: "streamed", status, bytes: body.length, chunks: 1, flowMs: 0 };
}

function withoutAnthropic(headers: Headers): Headers {
  const kept = Object.entries(headers).filter(([name]) => !name.startsWith("anthropic-"));
  return { ...Object.fromEntries(kept), "content-type": "application/json" };
}
