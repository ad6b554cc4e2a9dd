/** How many requests an upstream works on at once, and who is next: first come first served within a key, round robin across keys. */

/** A place at the upstream; `release` may be called again and counts once. */
export type Slot = Readonly<{ waitedMs: number; release: () => void }>;

/** What became of a request for a slot. */
export type Entry = Readonly<
  | { kind: "admitted"; slot: Slot }
  | { kind: "refused"; reason: "queue_full" | "queue_timeout"; retryAfterMs: number }
  | { kind: "left" }
>;

/** Limits of one gate; `limit` undefined admits everyone. */
export type GateOptions = Readonly<{ maxWaiting: number; maxWaitMs: number; now?: () => number }>;

type Waiter = Readonly<{ key: string; since: number; settle: (entry: Entry) => void }>;

const longestRetryMs = 60_000;

/** The gate of one upstream. */
export class Gate {
  readonly #options: GateOptions;
  readonly #now: () => number;
  /** Waiting requests by key; the first key of the map is served next. */
  readonly #waiting = new Map<string, Waiter[]>();
  #limit: number | undefined;
  #running = 0;
  #queued = 0;
  /** Moving average of how long a slot is held. */
  #holdMs = 1_000;

  constructor(limit: number | undefined, options: GateOptions) {
    this.#limit = limit;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Changes the limit; requests that it makes room for go on at once, none that runs is cut. */
  setLimit(limit: number | undefined): void {
    this.#limit = limit;
    this.#admitWaiting();
  }

  /** Asks for a slot; `onLeave` is told what to call when the client goes away while it waits. */
  enter(key: string, onLeave: (leave: () => void) => void): Entry | Promise<Entry> {
    if (this.#hasRoom()) return { kind: "admitted", slot: this.#take(0) };
    if (this.#queued >= this.#options.maxWaiting) return this.#refuse("queue_full");
    return new Promise((resolve) => this.#wait(key, onLeave, resolve));
  }

  #hasRoom(): boolean {
    return this.#limit === undefined || this.#running < this.#limit;
  }

  #take(waitedMs: number): Slot {
    const since = this.#now();
    let held = true;
    this.#running += 1;
    const release = () => {
      if (!held) return;
      held = false;
      this.#running -= 1;
      this.#holdMs += (this.#now() - since - this.#holdMs) / 8;
      this.#admitWaiting();
    };
    return { waitedMs, release };
  }

  #wait(key: string, onLeave: (leave: () => void) => void, resolve: (entry: Entry) => void): void {
    const settle = (entry: Entry) => {
      clearTimeout(timer);
      resolve(entry);
    };
    const waiter: Waiter = { key, since: this.#now(), settle };
    const leaveWith = (entry: () => Entry) => {
      if (this.#forget(waiter)) settle(entry());
    };
    const timer = setTimeout(
      () => leaveWith(() => this.#refuse("queue_timeout")),
      this.#options.maxWaitMs,
    );
    this.#enqueue(waiter);
    onLeave(() => leaveWith(() => ({ kind: "left" })));
  }

  #enqueue(waiter: Waiter): void {
    const line = this.#waiting.get(waiter.key);
    if (line) line.push(waiter);
    else this.#waiting.set(waiter.key, [waiter]);
    this.#queued += 1;
  }

  #forget(waiter: Waiter): boolean {
    const line = this.#waiting.get(waiter.key);
    const at = line?.indexOf(waiter) ?? -1;
    if (!line || at === -1) return false;
    line.splice(at, 1);
    if (line.length === 0) this.#waiting.delete(waiter.key);
    this.#queued -= 1;
    return true;
  }

  #admitWaiting(): void {
    while (this.#queued > 0 && this.#hasRoom()) {
      const waiter = this.#next();
      if (!waiter) return;
      const slot = this.#take(this.#now() - waiter.since);
      waiter.settle({ kind: "admitted", slot });
    }
  }

  /** Takes the first request of the first key and sends that key to the back. */
  #next(): Waiter | undefined {
    const first = this.#waiting.entries().next().value;
    if (!first) return undefined;
    const [key, line] = first;
    const waiter = line.shift();
    this.#waiting.delete(key);
    if (line.length > 0) this.#waiting.set(key, line);
    this.#queued -= 1;
    return waiter;
  }

  #refuse(reason: "queue_full" | "queue_timeout"): Entry {
    const turns = (this.#queued + 1) / (this.#limit ?? 1);
    const retryAfterMs = Math.min(longestRetryMs, Math.max(1_000, this.#holdMs * turns));
    return { kind: "refused", reason, retryAfterMs };
  }
}
