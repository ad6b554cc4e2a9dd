/** What all gates of a gateway have in common: limits on waiting, the clock, the limits that they share. */
import { processClock, type Clock } from "./clock.ts";
import { SharedLimit, type Contender } from "./turns.ts";

/** How many may wait at one gate, and how long. */
export type HallOptions = Readonly<{ maxWaiting: number; maxWaitMs: number; clock?: Clock }>;

/** A limit that a gate shares with every other gate that names it. */
export type SharedLimitSetting = Readonly<{ name: string; max_concurrency: number }>;

/** The hall in which the gates stand. */
export class Hall<Outcome> {
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
  readonly clock: Clock;
  readonly #shared = new Map<string, SharedLimit<Outcome>>();
  #lastTicket = 0;

  constructor({ maxWaiting, maxWaitMs, clock = processClock }: HallOptions) {
    this.maxWaiting = maxWaiting;
    this.maxWaitMs = maxWaitMs;
    this.clock = clock;
  }

  /** A number that is larger than every one before. */
  ticket(): number {
    this.#lastTicket += 1;
    return this.#lastTicket;
  }

  /** Every shared limit that some gate names. */
  get sharedLimits(): readonly SharedLimit<Outcome>[] {
    return [...this.#shared.values()];
  }

  /** Makes a gate share these limits and no others; what is already running goes on. */
  share(
    gate: Contender<Outcome>,
    settings: readonly SharedLimitSetting[],
  ): readonly SharedLimit<Outcome>[] {
    for (const limit of gate.shared) limit.gates.delete(gate);
    const limits = settings.map(({ name, max_concurrency: most }) => {
      const limit = this.#shared.get(name) ?? new SharedLimit<Outcome>(name, most);
      limit.limit = most;
      limit.gates.add(gate);
      this.#shared.set(name, limit);
      return limit;
    });
    this.#forgetUnused();
    return limits;
  }

  /** What still runs under a limit counts, so it is kept until its last place is free. */
  #forgetUnused(): void {
    for (const { name, gates, running } of this.#shared.values()) {
      if (gates.size === 0 && running === 0) this.#shared.delete(name);
    }
  }
}
