/** The allowances of all keys, by name: a key that is rotated or edited keeps what it has used. */
import type { KeyRecord } from "../protocol.ts";
import type { TokenCount } from "../usage/token-count.ts";
import { Allowance, type Moment, type Verdict } from "./allowance.ts";

const unlimited: Verdict = { kind: "admitted", headers: undefined };

/** Holds keys to their limits. */
export class Allowances {
  readonly #now: () => Moment;
  readonly #allowances = new Map<string, Allowance>();

  constructor(now: () => Moment) {
    this.#now = now;
  }

  /** Whether a key may send a request now; admitting uses one. */
  admit(key: KeyRecord): Verdict {
    if (!key.limits) return unlimited;
    const now = this.#now();
    const allowance = this.#of(key.name, now);
    allowance.setLimits(key.limits, now);
    return allowance.admit(now);
  }

  /** Charges what an answer cost to a key, with or without limits: one may be set later in the day. */
  charge(key: string | undefined, cost: TokenCount | undefined): void {
    if (key === undefined || cost === undefined) return;
    const now = this.#now();
    this.#of(key, now).charge(cost.input + cost.output, now);
  }

  /** Takes up what an earlier run has used of this day's tokens, by key. */
  seed(tokensToday: ReadonlyMap<string, number>): void {
    const now = this.#now();
    for (const [key, tokens] of tokensToday) this.#of(key, now).seed(tokens, now);
  }

  #of(key: string, now: Moment): Allowance {
    const known = this.#allowances.get(key);
    if (known) return known;
    const made = new Allowance({}, now);
    this.#allowances.set(key, made);
    return made;
  }
}
