/** Embeddings in OpenAI's format, by feature hashing: deterministic, and texts that share words are near each other. */
import { ApiError, type Body } from "./http.ts";
import { modelFor } from "./models.ts";
import { countTokens } from "./tokens.ts";

const defaultDimensions = 256;

/** The answer of `POST /v1/embeddings`. */
export function embed(body: Body): Record<string, unknown> {
  const model = modelFor("embedding", body["model"]);
  const texts = readInput(body["input"]);
  const dimensions = readDimensions(body["dimensions"] ?? defaultDimensions);
  const format = body["encoding_format"] ?? "float";
  if (format !== "float" && format !== "base64")
    throw invalid("encoding_format", "float or base64");

  const data = texts.map((text, index) => {
    const vector = embedText(text, dimensions);
    const embedding = format === "base64" ? toBase64(vector) : [...vector];
    return { object: "embedding", index, embedding };
  });
  const tokens = texts.reduce((total, text) => total + countTokens(text), 0);
  return { object: "list", data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

/** A vector of length 1: every word and every pair of neighbours adds 1 or -1 at a place that its hash picks. */
export function embedText(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const feature of features(text)) {
    const hash = hashOf(feature);
    const place = hash % dimensions;
    vector[place] = (vector[place] ?? 0) + (hash & 0x8000_0000 ? -1 : 1);
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

function features(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text];
  const pairs = words.slice(1).map((word, index) => `${words[index]} ${word}`);
  return [...words, ...pairs];
}

/** 32-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), mixed once more so that the sign is fair. */
function hashOf(feature: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from(feature)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Little-endian 32-bit floats, as OpenAI clients decode them. */
function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}

/** A text, a list of texts, or texts as lists of token numbers. */
function readInput(input: unknown): string[] {
  if (isTokens(input)) return [input.join(" ")];
  const list: unknown[] = Array.isArray(input) ? input : [input];
  const texts = list.map((item) => (isTokens(item) ? item.join(" ") : item));
  const isValid =
    texts.length > 0 && texts.every((text) => typeof text === "string" && text !== "");
  if (isValid) return texts.map(String);
  throw invalid("input", "a text or a list of texts, none of them empty");
}

function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => Number.isInteger(item));
}

function readDimensions(dimensions: unknown): number {
  const isValid =
    Number.isInteger(dimensions) && Number(dimensions) >= 1 && Number(dimensions) <= 4096;
  if (isValid) return Number(dimensions);
  throw invalid("dimensions", "a whole number from 1 to 4096");
}

function invalid(param: string, expected: string): ApiError {
  return new ApiError(400, `\`${param}\` must be ${expected}.`, { param, code: "invalid_value" });
}
