/** Watches over one pull: tells how far it is, and gives it up when nothing moves any more. */
import { type Clock, systemClock } from "./clock.ts";
import { ModelPullError } from "./errors.ts";
import type { ModelPull } from "./model-store.ts";
import { type PullLine, PullMeter } from "./pull-progress.ts";

/** One pull under way; adapters tell it what they hear. */
export class PullWatch {
  readonly clock: Clock;
  /** Aborts when the pull is interrupted or given up. */
  readonly signal: AbortSignal;
  readonly #pull: ModelPull;
  readonly #meter: PullMeter;
  readonly #given = new AbortController();
  #refusal: string | undefined;
  #lastStep = "";
  #cancelAlarm = (): void => {};

  constructor(pull: ModelPull) {
    this.#pull = pull;
    this.clock = pull.clock ?? systemClock;
    this.#meter = new PullMeter(this.clock.now);
    this.signal = AbortSignal.any([this.#given.signal, ...(pull.signal ? [pull.signal] : [])]);
  }

  /** Runs the pull. Throws ModelPullError when it was refused or given up, and the signal's reason when interrupted. */
  async over(fetching: () => Promise<void>): Promise<void> {
    try {
      this.wind();
      await fetching();
    } catch (error) {
      if (error !== this.#given.signal.reason) throw error;
    } finally {
      this.#cancelAlarm();
    }
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

  /** Notes why there will be no model; the first reason counts. */
  refuse(reason: string): void {
    this.#refusal ??= reason;
  }
}
