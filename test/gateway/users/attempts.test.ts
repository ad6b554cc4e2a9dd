import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Attempts, type Patience } from "../../../src/gateway/users/attempts.ts";

const patience: Patience = {
  failures: 5,
  firstPauseMs: 30_000,
  longestPauseMs: 900_000,
  forgiveMs: 600_000,
  mostSubjects: 100,
};

/** Fails as often as it is let, and tells how long it waited before each attempt. */
function failOften(attempts: Attempts, times: number): number[] {
  let now = 0;
  return Array.from({ length: times }, () => {
    const waited = attempts.waitMs("ada", now);
    now += waited;
    expect(attempts.waitMs("ada", now)).toBe(0);
    attempts.begin("ada", now);
    attempts.fail("ada", now);
    return waited;
  });
}

describe("failed attempts", () => {
  test("five cost nothing, each further one waits twice as long, and guessing on is one guess in ten minutes", () => {
    const waits = failOften(new Attempts(patience), 100);
    expect(waits.slice(0, 10)).toEqual([0, 0, 0, 0, 0, 30_000, 60_000, 120_000, 240_000, 480_000]);
    expect(Math.max(...waits)).toBe(900_000);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(90 * 600_000);
  });

  test("are forgotten when one succeeds", () => {
    const attempts = new Attempts(patience);
    for (let time = 0; time < 5; time += 1) attempts.fail("ada", 0);
    expect(attempts.waitMs("ada", 10)).toBeGreaterThan(0);
    attempts.forgive("ada");
    expect(attempts.waitMs("ada", 10)).toBe(0);
  });

  test("are forgiven one by one, however often somebody looks or tries without failing", () => {
    const attempts = new Attempts(patience);
    for (let time = 0; time < 5; time += 1) attempts.fail("ada", 0);
    for (let now = 600_000; now <= 620_000; now += 1_000) {
      attempts.begin("ada", now);
      attempts.end("ada", now);
    }
    attempts.fail("ada", 620_000);
    expect(attempts.waitMs("ada", 620_000)).toBe(30_000);
    expect(attempts.waitMs("ada", 650_000)).toBe(0);
  });

  test("that come no faster than they are forgiven never make anybody wait", () => {
    const attempts = new Attempts(patience);
    for (let index = 0; index < 1_000; index += 1) {
      expect(attempts.waitMs("office", index * 600_000)).toBe(0);
      attempts.fail("office", index * 600_000);
    }
  });

  test("are nobody else's", () => {
    const attempts = new Attempts(patience);
    for (let time = 0; time < 9; time += 1) attempts.fail("ada", 0);
    expect(attempts.waitMs("bob", 1)).toBe(0);
  });
});

describe("attempts under way", () => {
  test("are as many as could fail before somebody has to wait, then one at a time", () => {
    const attempts = new Attempts(patience);
    for (let time = 0; time < 5; time += 1) {
      expect(attempts.waitMs("ada", 0)).toBe(0);
      attempts.begin("ada", 0);
    }
    expect(attempts.waitMs("ada", 0)).toBeGreaterThan(0);
    attempts.end("ada", 0);
    expect(attempts.waitMs("ada", 0)).toBe(0);
  });

  test("that end well leave nothing behind", () => {
    const attempts = new Attempts(patience);
    for (let time = 0; time < 50; time += 1) {
      attempts.begin("ada", time);
      attempts.end("ada", time);
    }
    expect(attempts.waitMs("ada", 50)).toBe(0);
  });
});

test("whatever happens, nobody gets through more often than the pauses allow", () => {
  const step = fc.record({
    passMs: fc.integer({ min: 0, max: 200_000 }),
    subject: fc.constantFrom("ada", "bob", "eve"),
    ends: fc.constantFrom("fails", "fails", "fails", "is abandoned", "stays under way"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const attempts = new Attempts(patience);
      const failures = new Map<string, number[]>();
      let now = 0;
      for (const { passMs, subject, ends } of steps) {
        now += passMs;
        const waitMs = attempts.waitMs(subject, now);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(patience.longestPauseMs);
        if (waitMs > 0) continue;
        attempts.begin(subject, now);
        if (ends === "fails") {
          attempts.fail(subject, now);
          failures.set(subject, [...(failures.get(subject) ?? []), now]);
        } else if (ends === "is abandoned") attempts.end(subject, now);
      }
      for (const times of failures.values()) {
        // Six failures in a row have at least one pause among them.
        for (let at = 5; at < times.length; at += 1) {
          expect((times[at] ?? 0) - (times[at - 5] ?? 0)).toBeGreaterThanOrEqual(30_000);
        }
      }
    }),
  );
});

test("only so many subjects are remembered, those that failed last among them", () => {
  const attempts = new Attempts(patience);
  const failAll = (name: string) => {
    for (let time = 0; time < 5; time += 1) attempts.fail(name, 0);
  };
  for (let index = 0; index < 1_000; index += 1) failAll(`name-${index}`);
  expect(attempts.waitMs("name-0", 1)).toBe(0);
  expect(attempts.waitMs("name-900", 1)).toBeGreaterThan(0);
  expect(attempts.waitMs("name-999", 1)).toBeGreaterThan(0);
});
