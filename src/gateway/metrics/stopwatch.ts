/** Tells the gateway's own time from the time in which it waits for others. */

/** The time of one request. */
export class Stopwatch {
  readonly #since = performance.now();
  #outsideMs = 0;
  #leftAt: number | undefined;

  /** From here on somebody else is waited for: the client's body, a slot, an upstream. */
  leave(): void {
    this.#leftAt ??= performance.now();
  }

  /** The wait is over. */
  back(): void {
    if (this.#leftAt === undefined) return;
    this.#outsideMs += performance.now() - this.#leftAt;
    this.#leftAt = undefined;
  }

  /** Milliseconds since the request came. */
  get elapsedMs(): number {
    return performance.now() - this.#since;
  }

  /** Milliseconds of them that were spent here; meant to be read while nobody is waited for. */
  get ownMs(): number {
    return this.elapsedMs - this.#outsideMs;
  }
}
