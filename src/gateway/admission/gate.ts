/** How many requests an upstream works on at once, alone and together with others, and who is next: keys take turns. */
import type { Hall, SharedLimitSetting } from "./hall.ts";
import { admitInTurn, allAround, type Contender, type SharedLimit } from "./turns.ts";
import { WaitingLine, type Waiter } from "./waiting-line.ts";

/** A place at the upstream; `release` may be called again and counts once. */
export type Slot = Readonly<{ waitedMs: number; release: () => void }>;

/** What became of a request for a slot. */
export type Entry = Readonly<
  | { kind: "admitted"; slot: Slot }
  | { kind: "refused"; reason: "queue_full" | "queue_timeout"; retryAfterMs: number }
  | { kind: "left" }
>;

/** Who asks for a slot: `onLeave` is told what to call when the client goes away while it waits. */
export type Visitor = Readonly<{
  key: string;
  onLeave: (leave: () => void) => void;
  /** When the client gives up by itself, in milliseconds from now. */
  patienceMs?: number | undefined;
}>;

const shortestRetryMs = 1_000;
const longestRetryMs = 60_000;

/** The gate of one upstream; until a limit is set it admits everyone. */
export class Gate implements Contender<Entry> {
  readonly line = new WaitingLine<Entry>();
  readonly #hall: Hall<Entry>;
  readonly #ownTurns = new Map<string, number>();
  #limit: number | undefined;
  #shared: readonly SharedLimit<Entry>[] = [];
  #running = 0;
  /** Moving average of how long a slot is held. */
  #holdMs = 1_000;

  constructor(hall: Hall<Entry>) {
    this.#hall = hall;
  }

  get running(): number {
    return this.#running;
  }

  /** How many it admits at once, unless that is without limit. */
  get limit(): number | undefined {
    return this.#limit;
  }

  get queued(): number {
    return this.line.size;
  }

  /** How long the one who has waited longest has waited. */
  get oldestMs(): number {
    const since = this.line.heads().map((waiter) => waiter.since);
    return since.length === 0 ? 0 : this.#hall.clock.now() - Math.min(...since);
  }

  get hasOwnRoom(): boolean {
    return this.#limit === undefined || this.#running < this.#limit;
  }

  get shared(): readonly SharedLimit<Entry>[] {
    return this.#shared;
  }

  get turns(): Map<string, number> {
    return this.#shared[0]?.turns ?? this.#ownTurns;
  }

  /** Whether somebody who comes now is let in at once. */
  get isOpen(): boolean {
    if (!this.hasOwnRoom || this.line.size > 0) return false;
    return this.#shared.every((limit) => limit.hasRoom && limit.queued === 0);
  }

  /** Changes the limit; requests that it makes room for go on at once, none that runs is cut. */
  setLimit(limit: number | undefined): void {
    this.#limit = limit;
    this.#admitNeighbours(this.#shared);
  }

  /** Names the limits that this gate shares with others; requests that this makes room for go on at once. */
  share(settings: readonly SharedLimitSetting[]): void {
    const before = this.#shared;
    this.#shared = this.#hall.share(this, settings);
    this.#admitNeighbours([...before, ...this.#shared]);
  }

  /** Asks for a slot. */
  enter(visitor: Visitor): Entry | Promise<Entry> {
    if (this.isOpen) return { kind: "admitted", slot: this.#take(visitor.key, 0) };
    return new Promise((resolve) => this.#wait(visitor, resolve));
  }

  admit(waiter: Waiter<Entry>): void {
    if (!this.line.remove(waiter)) return;
    const slot = this.#take(waiter.key, this.#hall.clock.now() - waiter.since);
    waiter.settle({ kind: "admitted", slot });
  }

  #take(key: string, waitedMs: number): Slot {
    const since = this.#hall.clock.now();
    const taken = this.#shared;
    let held = true;
    this.#running += 1;
    for (const limit of taken) limit.running += 1;
    this.turns.set(key, this.#hall.ticket());
    const release = () => {
      if (!held) return;
      held = false;
      this.#running -= 1;
      for (const limit of taken) limit.running -= 1;
      this.#holdMs += (this.#hall.clock.now() - since - this.#holdMs) / 8;
      this.#admitNeighbours(taken);
    };
    return { waitedMs, release };
  }

  #wait({ key, onLeave, patienceMs }: Visitor, resolve: (entry: Entry) => void): void {
    const { clock, maxWaiting, maxWaitMs } = this.#hall;
    let stopTimer = () => {};
    const settle = (entry: Entry) => {
      stopTimer();
      resolve(entry);
    };
    const waiter = { key, since: clock.now(), order: this.#hall.ticket(), settle };
    this.line.add(waiter);
    this.#admitNeighbours(this.#shared);
    if (this.queued > maxWaiting) this.#refuse(this.line.surplus(waiter), "queue_full");
    if (!this.line.has(waiter)) return;
    stopTimer = clock.after(Math.min(maxWaitMs, patienceMs ?? maxWaitMs), () =>
      this.#refuse(waiter, "queue_timeout"),
    );
    onLeave(() => this.#dismiss(waiter, () => ({ kind: "left" })));
  }

  #refuse(waiter: Waiter<Entry>, reason: "queue_full" | "queue_timeout"): void {
    this.#dismiss(waiter, () => ({
      kind: "refused",
      reason,
      retryAfterMs: this.#expectedWaitMs(),
    }));
  }

  /** Whoever leaves the line may have kept a place free that others wait for. */
  #dismiss(waiter: Waiter<Entry>, entry: () => Entry): void {
    if (!this.line.remove(waiter)) return;
    waiter.settle(entry());
    if (this.#shared.length > 0) this.#admitNeighbours(this.#shared);
  }

  #admitNeighbours(limits: readonly SharedLimit<Entry>[]): void {
    if (limits.length > 0) admitInTurn(allAround(this, limits));
    else if (this.line.size > 0) admitInTurn([this]);
  }

  /** How long the line and one more would take. */
  #expectedWaitMs(): number {
    const places = Math.min(...this.#shared.map(({ limit }) => limit), this.#limit ?? Infinity);
    const turns = (this.queued + 1) / (Number.isFinite(places) ? places : 1);
    return Math.min(longestRetryMs, Math.max(shortestRetryMs, this.#holdMs * turns));
  }
}
