/** POST /v1/images/generations: one job of the upstream for every image, one after the other. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Generation, readGeneration } from "./generation.ts";
import { ApiError, readJson, sendJson } from "./http.ts";
import type { Settings } from "./settings.ts";
import type { Model, Upstream } from "./upstream.ts";

/** Makes images for clients. */
export class Images {
  readonly #upstream: Upstream;
  readonly #settings: Settings;
  #running = 0;

  constructor(upstream: Upstream, settings: Settings) {
    this.#upstream = upstream;
    this.#settings = settings;
  }

  /** Answers one request; a client that leaves or waits too long cancels its job. */
  async create(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const wanted = readGeneration(await readJson(request), this.#settings);
    const { maxConcurrency, timeoutMs } = this.#settings;
    if (this.#running >= maxConcurrency)
      throw new ApiError(429, `There are ${maxConcurrency} requests under way already.`, {
        code: "too_many_requests",
        retryAfter: 5,
      });
    this.#running++;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([timeout, leaving(response)]);
    try {
      sendJson(response, 200, await this.#make(wanted, signal));
    } catch (error) {
      if (!timeout.aborted) throw error;
      const message = `The images were not finished within ${timeoutMs} ms, and were cancelled.`;
      throw new ApiError(504, message, { code: "timeout" });
    } finally {
      this.#running--;
    }
  }

  async #make(wanted: Generation, signal: AbortSignal): Promise<Record<string, unknown>> {
    const model = choose(await this.#upstream.models(signal), wanted.model, this.#upstream);
    const { width, height } = wanted.size ?? { width: model.side, height: model.side };
    const data: { b64_json: string }[] = [];
    let bytes = 0;
    for (let index = 0; index < wanted.count; index++) {
      const job = { ...wanted, model, width, height, seed: wanted.seed + index };
      const image = await this.#upstream.generate(job, signal);
      bytes += image.length;
      if (bytes > longestAnswer) throw tooMuch(index);
      data.push({ b64_json: image.toString("base64") });
    }
    const created = Math.floor(Date.now() / 1_000);
    return { created, data, output_format: "png", size: `${width}x${height}`, model: model.id };
  }
}

/** In bytes, before they are written as text: the answer is held three times while it is sent. */
const longestAnswer = 64 * 1024 * 1024;

function tooMuch(finished: number): ApiError {
  const message = `The images are more than one answer can hold: ask for ${finished} at once, or for smaller ones.`;
  return new ApiError(400, message, { param: "n", code: "answer_too_large" });
}

/** Aborted when the client is gone before its answer is. */
function leaving(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) left.abort();
  });
  return left.signal;
}

function choose(models: Model[], wanted: string | undefined, upstream: Upstream): Model {
  const [first] = models;
  if (!first)
    throw new ApiError(503, `${upstream.title} has no model: ${upstream.advice}.`, {
      code: "upstream_not_ready",
    });
  if (wanted === undefined) return first;
  const model = models.find(({ id, aliases }) => id === wanted || aliases.includes(wanted));
  if (model) return model;
  throw new ApiError(404, `${upstream.title} has no model ${wanted}; see /v1/models.`, {
    param: "model",
    code: "model_not_found",
  });
}
