/** Which models are loaded, for how long, and what the first use of one costs. */
import { setTimeout as delay } from "node:timers/promises";
import { usesGpu } from "../lie.ts";
import { numberFrom } from "../serve.ts";
import { type Model, fullName, isEmbeddingModel } from "./store.ts";

const loadMs = numberFrom("STAND_IN_LOAD_MS", 150);
const keepAliveMs = 300_000;
/** The part of every model that fits into GPU memory. */
const gpuPart = numberFrom("STAND_IN_GPU_PART", 1);

/** The models in memory. */
export class Memory {
  readonly #loads = new Map<string, Readonly<{ done: Promise<void>; model: Model }>>();
  readonly #expiry = new Map<string, number>();

  /** Resolves when the model is in memory; callers that come meanwhile share the load. */
  async load(model: Model): Promise<void> {
    const load = this.#loads.get(model.name) ?? { done: delay(loadMs), model };
    this.#loads.set(model.name, load);
    await load.done;
    this.#expiry.set(model.name, Date.now() + keepAliveMs);
  }

  /** Takes a model out of memory. */
  unload(name: string): void {
    this.#loads.delete(fullName(name));
    this.#expiry.delete(fullName(name));
  }

  /** The `GET /api/ps` document. */
  report(): unknown {
    const loaded = [...this.#loads.values()].filter(({ model }) => this.#expiry.has(model.name));
    return { models: loaded.map(({ model }) => this.#reportOf(model)) };
  }

  #reportOf(model: Model): unknown {
    return {
      ...describe(model),
      expires_at: new Date(this.#expiry.get(model.name) ?? 0).toISOString(),
      size_vram: usesGpu() ? Math.round(model.size * gpuPart) : 0,
      context_length: 4096,
    };
  }
}

/** A model as `/api/tags` lists it. */
export function describe(model: Model) {
  return {
    name: model.name,
    model: model.name,
    modified_at: model.modifiedAt,
    size: model.size,
    digest: model.digest,
    details: detailsOf(model.name),
  };
}

/** The `details` object of Ollama's model answers. */
export function detailsOf(name: string) {
  const family = isEmbeddingModel(name) ? "nomic-bert" : "llama";
  return {
    parent_model: "",
    format: "gguf",
    family,
    families: [family],
    parameter_size: "3.2B",
    quantization_level: "Q4_K_M",
  };
}
