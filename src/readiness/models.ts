/** Models in a service's store: pulled, listed and removed through the gateway. The store speaks Ollama's API. */
import type { Upstream } from "../gateway/config.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ModelPullError, ModelStoreError } from "./errors.ts";
import type { GatewayLink } from "./gateway-link.ts";
import { LineSplitter } from "./lines.ts";
import { type ModelProgress, parsePullLine, PullMeter } from "./pull-progress.ts";
import { requestUpstream } from "./upstream-request.ts";

/** A model that is there. */
export type StoredModel = Readonly<{ name: string; sizeBytes: number; modifiedAt: string }>;

/** Where the models are: a service that runs, and the way to it. */
export type ModelStore = Readonly<{ link: GatewayLink; upstream: Upstream; signal?: AbortSignal }>;

/** A model to fetch. */
export type ModelPull = ModelStore &
  Readonly<{
    model: string;
    onProgress?: (progress: ModelProgress) => void;
    /** Milliseconds without a new byte or step after which the pull is given up. */
    stallTimeoutMs: number;
    clock?: Clock;
  }>;

/**
 * Sees to it that the model is there, fetching it only when it is not. Throws ModelPullError with the store's own
 * words when it cannot be fetched or makes no progress, and ModelStoreError when the store does not answer.
 */
export async function pullModel(pull: ModelPull): Promise<"present" | "pulled"> {
  const stored = await listModels(pull);
  if (stored.some(({ name }) => isSameModel(name, pull.model))) return "present";
  await new Pulling(pull).run();
  return "pulled";
}

/** All models in the store. Throws ModelStoreError when it does not answer with a list. */
export async function listModels(store: ModelStore): Promise<readonly StoredModel[]> {
  const { status, text } = await ask(store, "GET", "/api/tags");
  const models = status === 200 ? parseModels(text) : undefined;
  if (!models)
    throw new ModelStoreError(store.upstream.id, "list its models", complaint(status, text));
  return models;
}

/** Removes a model. Throws ModelStoreError when the store does not have it or refuses. */
export async function removeModel(store: ModelStore & Readonly<{ model: string }>): Promise<void> {
  const { model, upstream } = store;
  const { status, text } = await ask(store, "DELETE", "/api/delete", { model });
  if (status === 200) return;
  throw new ModelStoreError(upstream.id, `remove the model ${model}`, complaint(status, text));
}

/** Ollama's rule: a name without a tag means its tag `latest`. */
export function isSameModel(one: string, other: string): boolean {
  return withTag(one) === withTag(other);
}

function withTag(model: string): string {
  const lastPart = model.slice(model.lastIndexOf("/") + 1);
  return lastPart.includes(":") ? model : `${model}:latest`;
}

class Pulling {
  readonly #pull: ModelPull;
  readonly #clock: Clock;
  readonly #meter: PullMeter;
  readonly #given = new AbortController();
  #refusal: string | undefined;
  #succeeded = false;
  #lastStep = "";
  #cancelAlarm = (): void => {};

  constructor(pull: ModelPull) {
    this.#pull = pull;
    this.#clock = pull.clock ?? systemClock;
    this.#meter = new PullMeter(this.#clock.now);
  }

  async run(): Promise<void> {
    const lines = new LineSplitter((line) => this.#take(line));
    try {
      this.#wind();
      const status = await this.#request((text) => lines.push(text));
      lines.end();
      if (status !== 200) this.#refusal ??= `it answered with status ${status}`;
    } catch (error) {
      if (error !== this.#given.signal.reason) throw error;
    } finally {
      this.#cancelAlarm();
    }
    if (this.#refusal === undefined && this.#succeeded) return;
    throw this.#failure(this.#refusal ?? "the download broke off before it was complete");
  }

  #request(onText: (text: string) => void): Promise<number> {
    const { link, upstream, model, signal } = this.#pull;
    const signals = signal ? [signal, this.#given.signal] : [this.#given.signal];
    return requestUpstream({
      link,
      upstream,
      method: "POST",
      path: "/api/pull",
      body: { model, stream: true },
      onText,
      signal: AbortSignal.any(signals),
    });
  }

  #take(line: string): void {
    const news = parsePullLine(line);
    if (!news) return;
    if (news.error !== undefined) this.#refusal ??= news.error;
    if (news.status === "success") this.#succeeded = true;
    const progress = this.#meter.take(news);
    const step = `${progress.status} ${progress.completedBytes}`;
    if (step !== this.#lastStep) this.#wind();
    this.#lastStep = step;
    this.#pull.onProgress?.(progress);
  }

  /** Ollama repeats a line while nothing moves, so only a new step counts. */
  #wind(): void {
    const { stallTimeoutMs } = this.#pull;
    this.#cancelAlarm();
    this.#cancelAlarm = this.#clock.after(stallTimeoutMs, () => {
      const seconds = Math.round(stallTimeoutMs / 1_000);
      this.#refusal ??= `no progress for ${seconds} s`;
      this.#given.abort();
    });
  }

  #failure(reason: string): ModelPullError {
    return new ModelPullError(this.#pull.upstream.id, this.#pull.model, reason);
  }
}

async function ask(
  { link, upstream, signal }: ModelStore,
  method: "GET" | "DELETE",
  path: string,
  body?: unknown,
): Promise<Readonly<{ status: number; text: string }>> {
  const pieces: string[] = [];
  const onText = (text: string): void => void pieces.push(text);
  const status = await requestUpstream({
    link,
    upstream,
    method,
    path,
    onText,
    ...(body === undefined ? {} : { body }),
    ...(signal ? { signal } : {}),
  });
  return { status, text: pieces.join("") };
}

function parseModels(text: string): readonly StoredModel[] | undefined {
  const document = parseJson(text);
  if (!hasModels(document)) return undefined;
  return document.models.map(({ name, size, modified_at }) => ({
    name,
    sizeBytes: size ?? 0,
    modifiedAt: modified_at ?? "",
  }));
}

/** The answer of `GET /api/tags`. */
type Tags = Readonly<{
  models: readonly Readonly<{ name: string; size?: number; modified_at?: string }>[];
}>;

function hasModels(value: unknown): value is Tags {
  if (typeof value !== "object" || value === null) return false;
  return "models" in value && Array.isArray(value.models);
}

/** The store's own words where it has some. */
function complaint(status: number, text: string): string {
  const document = parseJson(text);
  const isExplained = typeof document === "object" && document !== null && "error" in document;
  return isExplained ? String(document.error) : `it answered with status ${status}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
