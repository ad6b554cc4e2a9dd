/** Answers in the shapes of Ollama's own API (docs/api.md of Ollama): NDJSON unless `stream` is false. */
import { setTimeout as delay } from "node:timers/promises";
import { sendJson, type Visit } from "../serve.ts";

/** What is said, how fast, and how it ends. */
export type Reply = Readonly<{
  model: string;
  words: readonly string[];
  reason: string;
  everyMs: number;
}>;

type Part = Readonly<Record<string, unknown>>;

/** Answers `POST /api/generate`. */
export async function answerNativeGenerate(visit: Visit, reply: Reply): Promise<void> {
  await say(visit, reply, (text) => ({ response: text }));
}

/** Answers `POST /api/chat`; a request with tools is answered by a call of the first, until a tool has spoken. */
export async function answerNativeChat(visit: Visit, reply: Reply): Promise<void> {
  const call = callFor(visit.body);
  if (call === undefined) {
    return say(visit, reply, (content) => ({ message: { role: "assistant", content } }));
  }
  let calls = [call];
  await say(visit, { ...reply, words: [""] }, (content) => {
    const message = { role: "assistant", content, ...(calls.length > 0 && { tool_calls: calls }) };
    calls = [];
    return { message };
  });
}

/** Answers `POST /api/embed` with a small vector for each input. */
export function answerNativeEmbed({ body, response }: Visit, model: string): void {
  const inputs = Array.isArray(body["input"]) ? body["input"] : [body["input"]];
  const embeddings = inputs.map((input) => [String(input).length, 0.5, -0.25]);
  const counts = { total_duration: 1, load_duration: 1, prompt_eval_count: inputs.length };
  sendJson(response, 200, { model, embeddings, ...counts });
}

async function say(
  { body, response }: Visit,
  { model, words, reason, everyMs }: Reply,
  part: (text: string) => Part,
): Promise<void> {
  const head = () => ({ model, created_at: new Date().toISOString() });
  const end = { done: true, done_reason: reason, eval_count: words.length };
  if (body["stream"] === false) {
    return sendJson(response, 200, { ...head(), ...part(words.join(" ")), ...end });
  }
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  for (const [index, word] of words.entries()) {
    await delay(everyMs);
    if (response.destroyed) return;
    const text = index === 0 ? word : ` ${word}`;
    response.write(`${JSON.stringify({ ...head(), ...part(text), done: false })}\n`);
  }
  response.end(`${JSON.stringify({ ...head(), ...part(""), ...end })}\n`);
}

function callFor(body: Part): unknown {
  const tools = namedFunctions(body["tools"]);
  const messages: unknown[] = Array.isArray(body["messages"]) ? body["messages"] : [];
  const last: unknown = messages.at(-1);
  const answered = isRecord(last) && last["role"] === "tool";
  const [name] = tools;
  return answered || name === undefined ? undefined : { function: { name, arguments: { at: 1 } } };
}

function namedFunctions(tools: unknown): readonly string[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: unknown) => {
    const named = isRecord(tool) ? tool["function"] : undefined;
    return isRecord(named) ? [String(named["name"])] : [];
  });
}

function isRecord(value: unknown): value is Part {
  return typeof value === "object" && value !== null;
}
