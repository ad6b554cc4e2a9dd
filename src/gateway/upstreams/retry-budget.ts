/** How many further attempts an upstream is burdened with when first ones fail. */
import { processClock, type Clock } from "../admission/clock.ts";

const perRequest = 0.1;
const perSecond = 1;
const most = 10;
const deepest = -10;

/**
 * The budget of one upstream. Only further attempts that fail cost something, so falling over to an upstream that works is
 * free; one that fails too is spared: it gets a tenth of its own requests on top, and one a second whatever happens.
 */
export class RetryBudget {
  readonly #clock: Clock;
  #balance = most;
  #at: number;

  constructor(clock: Clock = processClock) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** Whether another attempt may be made. */
  get allows(): boolean {
    this.#earn(0);
    return this.#balance >= 1;
  }

  /** A first attempt is made: it pays for a tenth of another. */
  first(): void {
    this.#earn(perRequest);
  }

  /** A further attempt has failed. */
  spend(): void {
    this.#earn(-1);
  }

  #earn(amount: number): void {
    const now = this.#clock.now();
    const earned = ((now - this.#at) / 1000) * perSecond;
    this.#at = now;
    this.#balance = Math.max(deepest, Math.min(most, this.#balance + earned) + amount);
  }
}
