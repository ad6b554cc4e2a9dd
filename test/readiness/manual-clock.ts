/** A clock that stands still until it is told to go on. */
import type { Clock } from "../../src/readiness/clock.ts";

type Alarm = Readonly<{ at: number; wake: () => void }>;

export class ManualClock implements Clock {
  #now = 0;
  readonly #alarms = new Set<Alarm>();

  readonly now = (): number => this.#now;

  readonly after = (delayMs: number, wake: () => void): (() => void) => {
    const alarm: Alarm = { at: this.#now + delayMs, wake };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  };

  /** Moves on, waking everybody who is due, in order, and letting what they start settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const due = [...this.#alarms].toSorted((a, b) => a.at - b.at).find(({ at }) => at <= end);
      if (!due) break;
      this.#alarms.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.wake();
    }
    this.#now = end;
    await settled();
  }
}

/** Resolves once everything that can go on without time or input has done so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve));
}
