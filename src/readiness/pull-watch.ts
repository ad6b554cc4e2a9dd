/** Watches over one pull: tells how far it is, and gives it up when nothing moves any more. */
import { type Clock, systemClock } from "./clock.ts";
import type { Shortage } from "./disk-book.ts";
import { ModelPullError, ModelRoomError } from "./errors.ts";
import type { ModelPull, StoreAdapter } from "./model-store.ts";
import { type ModelProgress, type PullLine, PullMeter } from "./pull-progress.ts";

/** One pull under way; adapters tell it what they hear. */
export class PullWatch {
  readonly clock: Clock;
  /** Aborts when the pull is interrupted or given up. */
  readonly signal: AbortSignal;
  readonly #pull: ModelPull;
  readonly #meter: PullMeter;
  readonly #given = new AbortController();
  readonly #adapter: StoreAdapter;
  #refusal: string | undefined;
  #shortage: Shortage | undefined;
  #totalBytes = 0;
  #isOver = false;
  #lastStep = "";
  #cancelAlarm = (): void => {};

  constructor(pull: ModelPull, adapter: StoreAdapter) {
    this.#pull = pull;
    this.#adapter = adapter;
    this.clock = pull.clock ?? systemClock;
    this.#meter = new PullMeter(this.clock.now);
    this.signal = AbortSignal.any([this.#given.signal, ...(pull.signal ? [pull.signal] : [])]);
  }

  /**
   * Runs the pull. Throws ModelPullError when it was refused or given up, ModelRoomError when the disk has no room
   * for it, and the signal's reason when interrupted.
   */
  async over(fetching: () => Promise<void>): Promise<void> {
    try {
      await this.#claim(0);
      this.signal.throwIfAborted();
      this.wind();
      await fetching();
    } catch (error) {
      const isExplained = (this.#refusal ?? this.#shortage) !== undefined;
      if (error !== this.#given.signal.reason || !isExplained) throw error;
    } finally {
      this.#isOver = true;
      this.#cancelAlarm();
      this.#pull.disk?.release(this);
    }
    if (this.#shortage) throw await this.#roomError(this.#shortage);
    if (this.#refusal === undefined) return;
    const { upstream, kind, model } = this.#pull;
    throw new ModelPullError({ service: upstream.id, kind, model }, this.#refusal);
  }

  /** Tells a step. Stores repeat a line while nothing moves, so only a new one is progress. */
  take(line: PullLine): void {
    const progress = this.#meter.take(line);
    const step = `${progress.status} ${progress.completedBytes}`;
    if (step !== this.#lastStep) this.wind();
    this.#lastStep = step;
    this.#takeRoom(progress);
    this.#pull.onProgress?.(progress);
  }

  /** Starts the time anew after which the pull is given up. */
  wind(): void {
    const { stallTimeoutMs } = this.#pull;
    this.#cancelAlarm();
    this.#cancelAlarm = this.clock.after(stallTimeoutMs, () => {
      this.refuse(`no progress for ${Math.round(stallTimeoutMs / 1_000)} s`);
      this.#given.abort();
    });
  }

  /** Room is asked for whenever the store tells of more to fetch than before. */
  #takeRoom({ totalBytes, completedBytes }: ModelProgress): void {
    const rest = totalBytes - completedBytes;
    if (totalBytes <= this.#totalBytes) return this.#pull.disk?.settle(this, rest);
    this.#totalBytes = totalBytes;
    this.#claim(rest).catch((error: unknown) => this.#given.abort(error));
  }

  async #claim(bytes: number): Promise<void> {
    this.#shortage ??= await this.#pull.disk?.claim(this.#pull.link, this, bytes);
    if (this.#isOver) this.#pull.disk?.release(this);
    if (this.#shortage) this.#given.abort();
  }

  /** Names what could go: models that nobody asks for, the largest first. */
  async #roomError(shortage: Shortage): Promise<ModelRoomError> {
    const { upstream, model, declared = [] } = this.#pull;
    const stored = await this.#adapter.list(this.#pull).catch(() => []);
    const spare = stored.flatMap(({ name, sizeBytes = 0 }) =>
      sizeBytes > 0 && !declared.some((other) => this.#adapter.isSame(other, name))
        ? [{ service: upstream.id, model: name, sizeBytes }]
        : [],
    );
    const bySize = spare.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
    return new ModelRoomError({ service: upstream.id, model }, shortage, bySize);
  }

  /** Notes why there will be no model; the first reason counts. */
  refuse(reason: string): void {
    this.#refusal ??= reason;
  }
}
