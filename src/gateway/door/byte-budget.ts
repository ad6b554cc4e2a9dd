/** How many bytes of request bodies may be in memory at once, over all requests. */

/** Counts bytes against a limit. */
export class ByteBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Whether this many more would fit now. */
  fits(bytes: number): boolean {
    return this.#used + bytes <= this.#limit;
  }

  /** Takes bytes if they fit; what was taken must be given back once. */
  take(bytes: number): boolean {
    if (!this.fits(bytes)) return false;
    this.#used += bytes;
    return true;
  }

  /** Gives bytes back. */
  give(bytes: number): void {
    this.#used -= bytes;
  }
}
