/** Why a chat completion ended and what it cost, in Anthropic's words. Pure. */
import { isRecord } from "../json.ts";

/** An answer that is none, or ends in a way that nobody may take for an end; the message ends a sentence that begins with the service. */
export class BrokenAnswer extends Error {
  override name = "BrokenAnswer";
}

/** The end of a message. */
export type Stop = Readonly<{ stop_reason: string; stop_sequence: string | null }>;

/** What a choice tells of its end: `finish_reason`, and `stop_reason`, in which vLLM names the sequence that matched. */
export type Ending = Readonly<{ finish: unknown; matched: unknown }>;

const reasons: Readonly<Record<string, string>> = {
  stop: "end_turn",
  eos: "end_turn",
  eos_token: "end_turn",
  stop_sequence: "end_turn",
  length: "max_tokens",
  max_tokens: "max_tokens",
  tool_calls: "tool_use",
  function_call: "tool_use",
  content_filter: "refusal",
};

/** Why a message ended; throws BrokenAnswer when the upstream gave no reason, or one that means a failure. */
export function stopOf(
  { finish, matched }: Ending,
  { calls, stopSequences }: Readonly<{ calls: boolean; stopSequences: readonly string[] }>,
): Stop {
  const reason = typeof finish === "string" ? reasons[finish] : undefined;
  if (reason === undefined) throw new BrokenAnswer("ended its answer without saying why");
  // Some servers say `stop` when they have called a tool.
  if (reason === "end_turn" && calls) return { stop_reason: "tool_use", stop_sequence: null };
  if (reason === "end_turn" && typeof matched === "string" && stopSequences.includes(matched)) {
    return { stop_reason: "stop_sequence", stop_sequence: matched };
  }
  return { stop_reason: reason, stop_sequence: null };
}

/** Tokens of a message; those read from a cache are not among `input_tokens`. */
export type MessageUsage = Readonly<{
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
}>;

/** The usage that an upstream told; zeros where it told nothing. */
export function usageOf(usage: unknown): MessageUsage {
  const told = isRecord(usage) ? usage : {};
  const details = told["prompt_tokens_details"];
  const cached = count(isRecord(details) ? details["cached_tokens"] : undefined);
  return {
    input_tokens: Math.max(0, count(told["prompt_tokens"]) - cached),
    output_tokens: count(told["completion_tokens"]),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
  };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}

/** The first choice of a completion or chunk; undefined when there is none. */
export function firstChoice(
  document: Record<string, unknown>,
): Record<string, unknown> | undefined {
  const choices = document["choices"];
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  return isRecord(choice) ? choice : undefined;
}

/** What a model thinks, under the two names that servers give it. */
export function reasoningIn(message: Record<string, unknown>): string {
  const told = message["reasoning_content"] ?? message["reasoning"];
  return typeof told === "string" ? told : "";
}
