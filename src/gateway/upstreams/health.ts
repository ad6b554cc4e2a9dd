/** How an upstream has fared with clients' requests lately, as opposed to what it says of itself when it is looked at. */
import { processClock, type Clock } from "../admission/clock.ts";

/** What one request says of its upstream; `busy` is for one that answers that it has too much to do. */
export type Verdict = Readonly<
  { kind: "success" } | { kind: "failure" } | { kind: "busy"; forMs: number } | { kind: "unknown" }
>;

const failuresInARow = 3;
/** Share of failed requests, as a moving average over about as many as `fewest`. */
const tooManyFailures = 0.5;
const fewest = 10;
const shortestPauseMs = 5_000;
const longestPauseMs = 60_000;
const returnMs = 30_000;
const leastWeight = 0.1;

/**
 * The health of one upstream. Too many failures set it back: it is asked last, until after a pause one request is its
 * trial. A trial that succeeds brings it back, with little weight at first; one that fails doubles the pause.
 */
export class Health {
  readonly #clock: Clock;
  #inARow = 0;
  #share = 0;
  #seen = 0;
  #pauseMs = shortestPauseMs;
  /** When the pause ends; undefined while it is not set back. */
  #until: number | undefined;
  #busyUntil = -Infinity;
  #onTrial = false;
  #backSince = -Infinity;
  #succeededAt = -Infinity;

  constructor(clock: Clock = processClock) {
    this.#clock = clock;
  }

  /** Whether every other candidate is to be asked first. */
  get setBack(): boolean {
    const now = this.#clock.now();
    if (now < this.#busyUntil) return true;
    return this.#until !== undefined && (now < this.#until || this.#onTrial);
  }

  /** From 0.1 to 1: how much of an equal's share it is given; it grows for half a minute after it came back. */
  get weight(): number {
    if (this.#until !== undefined) return leastWeight;
    const grown = (this.#clock.now() - this.#backSince) / returnMs;
    return Math.min(1, Math.max(leastWeight, grown));
  }

  /** Notes that a request starts; what it comes to is told to the returned function, first of all whether it is answered. */
  begin(): (verdict: Verdict) => void {
    let isTrial = this.#until !== undefined && !this.setBack;
    if (isTrial) this.#onTrial = true;
    return (verdict) => {
      if (isTrial) this.#onTrial = false;
      isTrial = false;
      this.#note(verdict);
    };
  }

  /** Whether some request has been answered as it should be since a moment, in the clock's milliseconds. */
  hasSucceededSince(moment: number): boolean {
    return this.#succeededAt >= moment;
  }

  /** It was gone, and says that it is ready again: what was held against it is over. */
  comeBack(): void {
    this.#until = undefined;
    this.#onTrial = false;
    this.#inARow = 0;
    this.#share = 0;
    this.#seen = 0;
    this.#backSince = this.#clock.now();
  }

  #note(verdict: Verdict): void {
    if (verdict.kind === "success") this.#succeededAt = this.#clock.now();
    if (verdict.kind === "busy") this.#busyUntil = this.#clock.now() + verdict.forMs;
    // Requests that began before it was set back say nothing new.
    if (this.#until !== undefined && this.#clock.now() < this.#until) return;
    if (verdict.kind === "success") this.#succeeded();
    if (verdict.kind === "failure") this.#failed();
  }

  #succeeded(): void {
    if (this.#until !== undefined) {
      this.comeBack();
      this.#pauseMs = shortestPauseMs;
    }
    this.#inARow = 0;
    this.#count(0);
  }

  #failed(): void {
    this.#inARow += 1;
    this.#count(1);
    const hasFailedTrial = this.#until !== undefined;
    if (hasFailedTrial) this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
    if (hasFailedTrial || this.#isTooMuch()) this.#until = this.#clock.now() + this.#pauseMs;
  }

  #isTooMuch(): boolean {
    if (this.#inARow >= failuresInARow) return true;
    return this.#seen >= fewest && this.#share >= tooManyFailures;
  }

  #count(failed: 0 | 1): void {
    this.#seen += 1;
    this.#share += (failed - this.#share) / Math.min(this.#seen, fewest);
  }
}
