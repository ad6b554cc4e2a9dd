/** Who may work now, and who waits. */

export class Turns {
  readonly #limit: number;
  readonly #mostWaiting: number;
  readonly #waiting = new Set<() => void>();
  #working = 0;

  constructor(limit: number, mostWaiting: number) {
    this.#limit = limit;
    this.#mostWaiting = mostWaiting;
  }

  /** Resolves with what gives the turn back, or with undefined when too many wait already or the signal came first. */
  async take(signal: AbortSignal): Promise<(() => void) | undefined> {
    if (this.#working >= this.#limit) {
      if (this.#waiting.size >= this.#mostWaiting) return undefined;
      await this.#wait(signal);
      if (signal.aborted) return undefined;
    } else this.#working += 1;
    return () => this.#passOn();
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const next = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.delete(next);
        resolve();
      };
      this.#waiting.add(next);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** The turn goes to whoever has waited longest. */
  #passOn(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#working -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
