/** Chat in OpenAI's format. The model echoes what the user said: put yours into `generate`. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { type ChatRequest, readChatRequest } from "./chat-request.ts";
import { type Body, sendJson } from "./http.ts";
import { countTokens, tokenize } from "./tokens.ts";

type FinishReason = "stop" | "length";
type Answer = { tokens: string[]; finishReason: FinishReason };
type Usage = { prompt_tokens: number; completion_tokens: number; total_tokens: number };

/** Answers `POST /v1/chat/completions`, in one piece or as a stream of events. */
export async function completeChat(
  body: Body,
  response: ServerResponse,
  tokenDelayMs: number,
): Promise<void> {
  const request = readChatRequest(body);
  const answer = generate(request);
  const usage = usageOf(request, answer);
  if (request.stream) await streamAnswer({ request, answer, usage, tokenDelayMs }, response);
  else sendJson(response, 200, completion(request, answer, usage));
}

/** The model: says again what the user said last. */
function generate({ lastUserText, stop, maxTokens }: ChatRequest): Answer {
  const ends = stop.map((text) => lastUserText.indexOf(text)).filter((at) => at >= 0);
  const tokens = tokenize(lastUserText.slice(0, Math.min(lastUserText.length, ...ends)));
  return tokens.length > maxTokens
    ? { tokens: tokens.slice(0, maxTokens), finishReason: "length" }
    : { tokens, finishReason: "stop" };
}

function usageOf({ prompt }: ChatRequest, { tokens }: Answer): Usage {
  const promptTokens = prompt.reduce((total, text) => total + countTokens(text), 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: tokens.length,
    total_tokens: promptTokens + tokens.length,
  };
}

function completion(
  { model }: ChatRequest,
  { tokens, finishReason }: Answer,
  usage: Usage,
): object {
  const message = { role: "assistant", content: tokens.join(""), refusal: null };
  return {
    ...envelope("chat.completion", model),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
    usage,
  };
}

function envelope(object: string, model: string): object {
  const id = `chatcmpl-${randomUUID()}`;
  return { id, object, created: Math.floor(Date.now() / 1000), model };
}

type Streaming = { request: ChatRequest; answer: Answer; usage: Usage; tokenDelayMs: number };

/** Sends each token as it is made; stops working when the client leaves. */
async function streamAnswer(streaming: Streaming, response: ServerResponse): Promise<void> {
  const { request, answer, usage, tokenDelayMs } = streaming;
  const head = envelope("chat.completion.chunk", request.model);
  const extra = request.includeUsage ? { usage: null } : {};
  const chunk = (delta: object, finishReason: FinishReason | null): object => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...extra,
  });

  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  await sendEvent(response, chunk({ role: "assistant", content: "" }, null));
  for (const content of answer.tokens) {
    if (response.destroyed) return;
    if (tokenDelayMs > 0) await pause(tokenDelayMs);
    await sendEvent(response, chunk({ content }, null));
  }
  await sendEvent(response, chunk({}, answer.finishReason));
  if (request.includeUsage) await sendEvent(response, { ...head, choices: [], usage });
  response.end("data: [DONE]\n\n");
}

/** Waits when the client reads more slowly than we write. */
async function sendEvent(response: ServerResponse, event: object): Promise<void> {
  if (response.destroyed || response.write(`data: ${JSON.stringify(event)}\n\n`)) return;
  const waiting = new AbortController();
  const { signal } = waiting;
  await Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })]);
  waiting.abort();
}
