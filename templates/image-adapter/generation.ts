/** A client's request for images: what OpenAI's API has, and four fields of diffusion models. */
import { randomInt } from "node:crypto";
import { ApiError, type Body } from "./http.ts";
import type { Settings } from "./settings.ts";

/** A request, checked. */
export type Generation = {
  prompt: string;
  negativePrompt: string;
  /** Undefined when the request names none. */
  model: string | undefined;
  count: number;
  /** Undefined when what suits the model is to be taken. */
  size: { width: number; height: number } | undefined;
  /** Of the first image; each further one has the next number. */
  seed: number;
  steps: number;
  cfgScale: number;
};

/** Seeds fit into 32 bits everywhere. */
const seedLimit = 2 ** 32;

/** Checks a request's body; fields that mean nothing here, such as `quality` and `user`, are left alone. */
export function readGeneration(body: Body, settings: Settings): Generation {
  refuseWhatCannotBe(body);
  const { prompt, negative_prompt: negative, model } = body;
  if (typeof prompt !== "string" || prompt.trim() === "")
    throw invalid("prompt", "a text that is not empty");
  if (negative !== undefined && typeof negative !== "string")
    throw invalid("negative_prompt", "a text");
  return {
    prompt,
    negativePrompt: negative ?? "",
    model: typeof model === "string" && model !== "" ? model : settings.defaultModel,
    count: integer(body, "n", { byDefault: 1, min: 1, max: 10 }),
    size: readSize(body["size"], settings),
    seed: integer(body, "seed", { byDefault: randomInt(seedLimit), min: 0, max: seedLimit - 1 }),
    steps: integer(body, "steps", { byDefault: settings.defaultSteps, min: 1, max: 150 }),
    cfgScale: number(body, "cfg_scale", { byDefault: 7, min: 0, max: 30 }),
  };
}

/** What would be answered with something else than was asked for. */
function refuseWhatCannotBe(body: Body): void {
  const { response_format: answer, output_format: format, stream } = body;
  if (given(answer) && answer !== "b64_json")
    throw invalid("response_format", "b64_json: images are sent, not kept at an address");
  if (given(format) && format !== "png") throw invalid("output_format", "png");
  if (stream === true) throw invalid("stream", "false: images are sent when they are finished");
}

const given = (value: unknown): boolean => value !== undefined && value !== null;

function readSize(value: unknown, { defaultSize }: Settings): Generation["size"] {
  const size = given(value) && value !== "auto" ? value : defaultSize;
  if (size === undefined) return undefined;
  const [, width, height] = /^(\d+)x(\d+)$/.exec(typeof size === "string" ? size : "") ?? [];
  const sides = [Number(width), Number(height)];
  const fits = sides.every((side) => side >= 64 && side <= 4_096 && side % 8 === 0);
  if (!fits) throw invalid("size", "such as 1024x1024, each side a multiple of 8 from 64 to 4096");
  return { width: Number(width), height: Number(height) };
}

type Limits = { byDefault: number; min: number; max: number };

function integer(body: Body, key: string, limits: Limits): number {
  const value = number(body, key, limits);
  if (Number.isInteger(value)) return value;
  throw invalid(key, "a whole number");
}

function number(body: Body, key: string, { byDefault, min, max }: Limits): number {
  const value = body[key] ?? byDefault;
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw invalid(key, `a number from ${min} to ${max}`);
}

function invalid(param: string, expected: string): ApiError {
  return new ApiError(400, `\`${param}\` must be ${expected}.`, { param, code: "invalid_value" });
}
