/** A clock that goes on when a test says so. */
import type { Clock } from "../../src/gateway/admission/clock.ts";

/** Time in a test's hand: `advance` makes every call that becomes due, in order. */
export type TestClock = Clock & Readonly<{ advance: (ms: number) => void; pending: () => number }>;

/** A clock that begins at 0. */
export function testClock(): TestClock {
  let now = 0;
  const timers = new Set<Readonly<{ at: number; call: () => void }>>();
  const due = (until: number) =>
    [...timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
  return {
    now: () => now,
    after: (ms, call) => {
      const timer = { at: now + ms, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: (ms) => {
      const until = now + ms;
      for (let timer = due(until); timer; timer = due(until)) {
        timers.delete(timer);
        now = Math.max(now, timer.at);
        timer.call();
      }
      now = until;
    },
    pending: () => timers.size,
  };
}

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
