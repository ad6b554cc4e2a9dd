/** What an answer cost in tokens, read from the shapes in which upstreams tell it. */
import { isRecord } from "../json.ts";

/** Tokens of one answer, or of many. */
export type TokenCount = Readonly<{
  /** Tokens of the prompt, those read from a cache included. */
  input: number;
  output: number;
  /** The part of `input` that came from the upstream's cache. */
  cached: number;
}>;

/** Reads a `usage` object in the words of OpenAI's chat, completions, embeddings and responses, or of Anthropic; undefined when it tells no tokens. */
export function readUsage(usage: unknown): Partial<TokenCount> | undefined {
  if (!isRecord(usage)) return undefined;
  const output = firstNumber(usage, ["completion_tokens", "output_tokens"]);
  const input = inputIn(usage, output ?? 0);
  if (input === undefined && output === undefined) return undefined;
  const cached = cachedIn(usage);
  return {
    ...(input !== undefined && { input }),
    ...(output !== undefined && { output }),
    ...(cached !== undefined && { cached }),
  };
}

/** Some servers tell the total only. */
function inputIn(usage: Record<string, unknown>, output: number): number | undefined {
  const input = firstNumber(usage, ["prompt_tokens", "input_tokens"]);
  if (input !== undefined) return input + besideInput(usage);
  const total = firstNumber(usage, ["total_tokens"]);
  return total === undefined ? undefined : Math.max(0, total - output);
}

function cachedIn(usage: Record<string, unknown>): number | undefined {
  const details = usage["prompt_tokens_details"] ?? usage["input_tokens_details"];
  const told = isRecord(details) ? firstNumber(details, ["cached_tokens"]) : undefined;
  return told ?? firstNumber(usage, ["cache_read_input_tokens"]);
}

/** Anthropic counts what went into or came out of its cache beside `input_tokens`, and not in it. */
function besideInput(usage: Record<string, unknown>): number {
  const read = firstNumber(usage, ["cache_read_input_tokens"]) ?? 0;
  return read + (firstNumber(usage, ["cache_creation_input_tokens"]) ?? 0);
}

function firstNumber(values: Record<string, unknown>, names: readonly string[]) {
  return names.map((name) => values[name]).find(isCount);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
