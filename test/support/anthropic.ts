/** What Anthropic's API answers, and the official client at a gateway. */
import Anthropic from "@anthropic-ai/sdk";
import type { TestGateway } from "./gateway.ts";
import { beginEvents, reply, type Behaviour } from "./upstream.ts";

/** The official client, without retries of its own. */
export function anthropicAt({ url, key }: TestGateway, apiKey = key): Anthropic {
  return new Anthropic({ apiKey, baseURL: url, maxRetries: 0 });
}

/** The events of a message that says one text, as they stand in a stream. */
export function messageEvents(text: string, model = "echo"): string[] {
  const event = (type: string, rest: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
  const usage = { input_tokens: 3, output_tokens: 1 };
  const message = { id: "msg_1", type: "message", role: "assistant", model, content: [], usage };
  return [
    event("message_start", { message: { ...message, stop_reason: null, stop_sequence: null } }),
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    event("ping", {}),
    event("content_block_delta", { index: 0, delta: { type: "text_delta", text } }),
    event("content_block_stop", { index: 0 }),
    event("message_delta", {
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 5 },
    }),
    event("message_stop", {}),
  ];
}

/** Answers POST /v1/messages as a service does that speaks Anthropic's API itself. */
export const answerMessages: Behaviour = ({ body }, response) => {
  const { model, stream } = JSON.parse(body);
  if (stream) {
    beginEvents(response);
    for (const event of messageEvents("native words", model)) response.write(event);
    return void response.end();
  }
  const content = [{ type: "text", text: "native words" }];
  const usage = { input_tokens: 3, output_tokens: 5 };
  const message = { id: "msg_1", type: "message", role: "assistant", model, content, usage };
  const stop = { stop_reason: "end_turn", stop_sequence: null };
  return reply(response, 200, JSON.stringify({ ...message, ...stop }));
};
