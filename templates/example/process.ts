/** The example's own endpoint, driven by the form that contract.ts describes. Replace it with your work. */
import { ApiError, type Body } from "./http.ts";

type Mode = "echo" | "upper" | "reverse" | "count";

const modes: Record<Mode, (text: string) => string> = {
  echo: (text) => text,
  upper: (text) => text.toUpperCase(),
  reverse: (text) => Array.from(text).toReversed().join(""),
  count: (text) => `${words(text).length} words`,
};

/** The answer of `POST /v1/example/process`. */
export function processText(body: Body): Record<string, unknown> {
  const { text, mode = "echo", trim = true } = body;
  if (typeof text !== "string") throw invalid("text", "a string");
  if (!isMode(mode)) throw invalid("mode", `one of ${Object.keys(modes).join(", ")}`);
  if (typeof trim !== "boolean") throw invalid("trim", "true or false");
  const threshold = numberOf(body, "threshold", { byDefault: 0.5, min: 0, max: 1 });
  const repeat = numberOf(body, "repeat", { byDefault: 1, min: 1, max: 10 });
  if (!Number.isInteger(repeat)) throw invalid("repeat", "a whole number");

  const result = modes[mode](trim ? text.trim() : text);
  const score = variety(text);
  return {
    mode,
    result: Array.from({ length: repeat }, () => result).join("\n"),
    score,
    varied: score >= threshold,
  };
}

/** How many of the words are different ones, from 0 to 1. */
function variety(text: string): number {
  const all = words(text.toLowerCase());
  return all.length === 0 ? 0 : new Set(all).size / all.length;
}

function words(text: string): string[] {
  return text.match(/\S+/g) ?? [];
}

function isMode(value: unknown): value is Mode {
  return typeof value === "string" && Object.hasOwn(modes, value);
}

function numberOf(
  body: Body,
  key: string,
  limits: { byDefault: number; min: number; max: number },
): number {
  const value = body[key] ?? limits.byDefault;
  const isValid = typeof value === "number" && value >= limits.min && value <= limits.max;
  if (isValid) return value;
  throw invalid(key, `a number from ${limits.min} to ${limits.max}`);
}

function invalid(param: string, expected: string): ApiError {
  return new ApiError(400, `\`${param}\` must be ${expected}.`, { param, code: "invalid_value" });
}
