/** Who waits at one gate: a line for every key, first come first served within it. */

/** One who waits; `order` grows from one who comes to the next, over all gates. */
export type Waiter<Outcome> = Readonly<{
  key: string;
  since: number;
  order: number;
  settle: (outcome: Outcome) => void;
}>;

/** The lines of one gate. */
export class WaitingLine<Outcome> {
  readonly #byKey = new Map<string, Waiter<Outcome>[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The first of every line. */
  heads(): Waiter<Outcome>[] {
    return [...this.#byKey.values()].flatMap((line) => line.slice(0, 1));
  }

  add(waiter: Waiter<Outcome>): void {
    const line = this.#byKey.get(waiter.key);
    if (line) line.push(waiter);
    else this.#byKey.set(waiter.key, [waiter]);
    this.#size += 1;
  }

  has(waiter: Waiter<Outcome>): boolean {
    return this.#byKey.get(waiter.key)?.includes(waiter) ?? false;
  }

  /** Takes somebody out; false when he is not here. */
  remove(waiter: Waiter<Outcome>): boolean {
    const line = this.#byKey.get(waiter.key);
    const at = line?.indexOf(waiter) ?? -1;
    if (!line || at === -1) return false;
    line.splice(at, 1);
    if (line.length === 0) this.#byKey.delete(waiter.key);
    this.#size -= 1;
    return true;
  }

  /** Who has to go when there are too many: the last of the longest line, and of a newcomer's own line when no other is longer. */
  surplus(newcomer: Waiter<Outcome>): Waiter<Outcome> {
    let longest = this.#byKey.get(newcomer.key) ?? [];
    for (const line of this.#byKey.values()) if (line.length > longest.length) longest = line;
    return longest.at(-1) ?? newcomer;
  }
}
