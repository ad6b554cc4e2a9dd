/** A token bucket: it holds a minute's allowance, fills evenly, and may be overdrawn by what is only known afterwards. */

const minuteMs = 60_000;
/** What sums of fractions may be off by. */
const rounding = 1e-6;

/** What may be used in a minute; times are milliseconds of one monotonic clock. */
export class Bucket {
  #perMinute: number;
  #level: number;
  #at: number;

  /** Starts full. */
  constructor(perMinute: number, now: number) {
    this.#perMinute = perMinute;
    this.#level = perMinute;
    this.#at = now;
  }

  get perMinute(): number {
    return this.#perMinute;
  }

  /** Changes the allowance; what has been used stays used. */
  setAllowance(perMinute: number, now: number): void {
    const used = this.#perMinute - this.level(now);
    this.#perMinute = perMinute;
    this.#level = perMinute - used;
  }

  /** What is left; below zero when it is overdrawn. */
  level(now: number): number {
    const filled = (Math.max(0, now - this.#at) * this.#perMinute) / minuteMs;
    this.#level = Math.min(this.#perMinute, this.#level + filled);
    this.#at = Math.max(this.#at, now);
    return this.#level;
  }

  /** Uses an amount, whether it is there or not. */
  use(amount: number, now: number): void {
    this.#level = this.level(now) - amount;
  }

  /** How long until that much is there, in whole milliseconds; 0 when it is. */
  msUntil(amount: number, now: number): number {
    const missing = amount - this.level(now);
    if (missing < rounding) return 0;
    return Math.ceil((missing * minuteMs) / this.#perMinute - rounding);
  }
}
