/** A whole chat completion for a client of Anthropic's API, as a document or, if it asked for a stream, as its events. Pure. */
import { BrokenAnswer } from "./ending.ts";
import { EventTranslator } from "./event-translator.ts";
import { callsIn, completionIn, messageOf, type Asked } from "./whole-answer.ts";

/** The body of an answer and the headers that belong to it. */
export type RetoldAnswer = Readonly<{ headers: Readonly<Record<string, string>>; body: string }>;

/** Translates; throws BrokenAnswer when the body is no chat completion. */
export function retoldAnswer(
  body: Buffer,
  asked: Asked & Readonly<{ stream: boolean }>,
): RetoldAnswer {
  if (!asked.stream) {
    const headers = { "content-type": "application/json" };
    return { headers, body: JSON.stringify(messageOf(body, asked)) };
  }
  const headers = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  };
  return { headers, body: eventsOf(body, asked) };
}

/** A completion is a stream of one chunk, which brings everything. */
function eventsOf(body: Buffer, asked: Asked): string {
  const { document, choice, message } = completionIn(body);
  const calls = callsIn(message).map((call, index) => ({ index, ...call }));
  const delta = { ...message, tool_calls: calls };
  const translator = new EventTranslator(asked);
  const events = translator.whole({ ...document, choices: [{ ...choice, delta }] });
  if (translator.broken !== undefined) throw new BrokenAnswer(translator.broken);
  return events;
}
