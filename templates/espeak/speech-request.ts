/** Reads a request for speech and checks it. */
import type { Utterance } from "./espeak.ts";
import { ApiError, type Body } from "./http.ts";
import { findModel } from "./models.ts";
import type { Settings } from "./settings.ts";
import type { Voices } from "./voices.ts";

/** What the answer is encoded as. */
export type Format = "wav" | "pcm";

export type SpeechRequest = { utterance: Utterance; format: Format };

/** espeak-ng's own pace. */
const ordinaryWordsPerMinute = 175;

/** Bounds of `speed`: espeak-ng does not go below 80 words a minute. */
export const speeds = { min: 0.5, max: 4, byDefault: 1 };

/** Bounds of `pitch`, as espeak-ng has them. */
export const pitches = { min: 0, max: 99, byDefault: 50 };

/** Throws an ApiError that names the field at fault. */
export function readSpeechRequest(body: Body, settings: Settings, voices: Voices): SpeechRequest {
  const { model, voice = settings.voice, stream_format: streamFormat = "audio" } = body;
  if (typeof model === "string") findModel(model);
  else if (model !== undefined) throw invalid("model", "the name of a model");
  if (streamFormat !== "audio") throw invalid("stream_format", "audio: there are no events here");
  if (typeof voice !== "string") throw invalid("voice", "the name of a voice");
  const text = readInput(body["input"], settings.maxCharacters);
  const pitch = numberOf(body, "pitch", pitches);
  if (!Number.isInteger(pitch)) throw invalid("pitch", "a whole number");
  const wordsPerMinute = ordinaryWordsPerMinute * numberOf(body, "speed", speeds);
  const utterance = { text, voice: voices.find(voice), wordsPerMinute, pitch };
  return { utterance, format: readFormat(body["response_format"] ?? "wav") };
}

/** Control characters are left out: espeak-ng would take some for commands. */
function readInput(input: unknown, maxCharacters: number): string {
  if (typeof input !== "string") throw invalid("input", "a text");
  if (input.length > maxCharacters) {
    const message = `\`input\` has ${input.length} characters; ${maxCharacters} are the most.`;
    throw new ApiError(400, message, { param: "input", code: "string_above_max_length" });
  }
  const text = input.toWellFormed().replaceAll(/(?!\n)\p{Cc}/gu, " ");
  if (text.trim() === "") throw invalid("input", "a text that is not empty");
  return text;
}

function readFormat(format: unknown): Format {
  if (format === "wav" || format === "pcm") return format;
  throw invalid("response_format", "wav or pcm: nothing else is encoded here");
}

function numberOf(
  body: Body,
  key: string,
  { min, max, byDefault }: { min: number; max: number; byDefault: number },
): number {
  const value = body[key] ?? byDefault;
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw invalid(key, `a number from ${min} to ${max}`);
}

function invalid(param: string, expected: string): ApiError {
  return new ApiError(400, `\`${param}\` must be ${expected}.`, { param, code: "invalid_value" });
}
