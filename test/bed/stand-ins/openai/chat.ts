/** Chat completions and embeddings in OpenAI's shapes, with a reply whose speed and end can be chosen. */
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { sendJson, type Visit } from "../serve.ts";
import { type Reply, replyTo } from "./reply.ts";

/** How a reply is given. */
export type Manner = Readonly<{
  /** The words of the reply; each is one streamed chunk. */
  words: readonly string[];
  /** Pause before each chunk, in milliseconds. */
  everyMs: number;
  /** Cut the connection after this many chunks. */
  breakAfter?: number;
}>;

/** Answers `POST /v1/chat/completions`, streamed when the request says so. */
export async function answerChat({ body, response }: Visit, manner: Manner): Promise<void> {
  const model = String(body["model"]);
  const reply = replyTo(body, manner.words);
  if (body["stream"] === true) {
    const usage = wantsUsage(body["stream_options"]);
    await streamChat(response, { model, usage, reply, manner });
    return;
  }
  await delay(manner.everyMs);
  sendJson(response, 200, {
    ...head("chat.completion", model),
    choices: [{ index: 0, message: messageOf(reply), finish_reason: reply.finish }],
    usage: usageOf(deltasOf(reply).length),
  });
}

/** Answers `POST /v1/completions` in one piece. */
export function answerCompletion({ body, response }: Visit, words: readonly string[]): void {
  sendJson(response, 200, {
    ...head("text_completion", String(body["model"])),
    choices: [{ index: 0, text: words.join(" "), logprobs: null, finish_reason: "stop" }],
    usage: usageOf(words.length),
  });
}

function messageOf(reply: Reply): object {
  return reply.kind === "calls"
    ? { role: "assistant", content: null, tool_calls: reply.calls }
    : { role: "assistant", content: reply.pieces.join("") };
}

/** A reply as it is streamed: text piece by piece; a call's name first, then its arguments in two halves. */
function deltasOf(reply: Reply): readonly object[] {
  if (reply.kind === "text") return reply.pieces.map((content) => ({ content }));
  return reply.calls.flatMap((call, index) => {
    const { name, arguments: all } = call.function;
    const half = Math.ceil(all.length / 2);
    return [
      { tool_calls: [{ index, ...call, function: { name, arguments: "" } }] },
      { tool_calls: [{ index, function: { arguments: all.slice(0, half) } }] },
      { tool_calls: [{ index, function: { arguments: all.slice(half) } }] },
    ];
  });
}

/** Answers `POST /v1/embeddings` with vectors that depend on nothing but the text. */
export function answerEmbeddings({ body, response }: Visit, dimensions: number): void {
  const input = body["input"];
  const texts = Array.isArray(input) ? input.map(String) : [String(input)];
  sendJson(response, 200, {
    object: "list",
    model: String(body["model"]),
    data: texts.map((text, index) => ({
      object: "embedding",
      index,
      embedding: vectorOf(text, dimensions, body["encoding_format"] === "base64"),
    })),
    usage: { prompt_tokens: texts.length, total_tokens: texts.length },
  });
}

/** The `GET /v1/models` document for some model names. */
export function modelList(models: readonly string[], owner: string): unknown {
  const created = 1_767_225_600;
  return {
    object: "list",
    data: models.map((id) => ({ id, object: "model", created, owned_by: owner })),
  };
}

/** Ends the response with OpenAI's error envelope. */
export function sendError(
  response: ServerResponse,
  status: number,
  error: Readonly<{ message: string; type: string; code?: string | number | null }>,
): void {
  sendJson(response, status, { error: { param: null, code: null, ...error } });
}

type Streamed = Readonly<{ model: string; usage: boolean; reply: Reply; manner: Manner }>;

async function streamChat(
  response: ServerResponse,
  { model, usage, reply, manner }: Streamed,
): Promise<void> {
  const start = head("chat.completion.chunk", model);
  const chunk = (delta: object, finish: string | null) => ({
    ...start,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const deltas = deltasOf(reply);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.flushHeaders();
  for (const [index, delta] of deltas.entries()) {
    await delay(manner.everyMs);
    if (response.destroyed) return;
    if (manner.breakAfter === index) return void response.destroy();
    sendEvent(response, chunk(index === 0 ? { role: "assistant", ...delta } : delta, null));
  }
  sendEvent(response, chunk({}, reply.finish));
  if (usage) sendEvent(response, { ...start, choices: [], usage: usageOf(deltas.length) });
  response.end("data: [DONE]\n\n");
}

function sendEvent(response: ServerResponse, document: unknown): void {
  response.write(`data: ${JSON.stringify(document)}\n\n`);
}

function head(object: string, model: string) {
  return { id: `chatcmpl-${randomUUID()}`, object, created: Math.floor(Date.now() / 1000), model };
}

function usageOf(words: number) {
  return { prompt_tokens: 5, completion_tokens: words, total_tokens: words + 5 };
}

function wantsUsage(options: unknown): boolean {
  return typeof options === "object" && options !== null && "include_usage" in options;
}

function vectorOf(text: string, dimensions: number, base64: boolean): readonly number[] | string {
  const vector = Float32Array.from({ length: dimensions }, (_, index) => {
    const code = text.charCodeAt(index % Math.max(text.length, 1)) || 1;
    return Math.sin(code * (index + 1));
  });
  return base64 ? Buffer.from(vector.buffer).toString("base64") : [...vector];
}
