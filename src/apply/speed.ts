/** How fast a download goes, smoothed over the last seconds. */
export class Speed {
  readonly #now: () => number;
  #bytes = 0;
  #since: number;
  #smoothed = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /** Bytes per second, given the bytes so far. */
  at(bytes: number): number {
    const elapsedMs = this.#now() - this.#since;
    if (elapsedMs < 500) return this.#smoothed;
    const current = (Math.max(0, bytes - this.#bytes) * 1000) / elapsedMs;
    this.#smoothed = this.#smoothed === 0 ? current : this.#smoothed * 0.7 + current * 0.3;
    this.#bytes = bytes;
    this.#since = this.#now();
    return this.#smoothed;
  }
}
