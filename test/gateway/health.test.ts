import { describe, expect, test } from "vitest";
import { Health, type Verdict } from "../../src/gateway/upstreams/health.ts";
import { RetryBudget } from "../../src/gateway/upstreams/retry-budget.ts";
import { testClock } from "../support/clock.ts";

const success: Verdict = { kind: "success" };
const failure: Verdict = { kind: "failure" };

function open() {
  const clock = testClock();
  const health = new Health(clock);
  const fare = (...verdicts: readonly Verdict[]) => {
    for (const verdict of verdicts) health.begin()(verdict);
  };
  return { clock, health, fare };
}

describe("Health", () => {
  test("three failures in a row set back, and so do many among successes; single ones do not", () => {
    const unlucky = open();
    unlucky.fare(failure, failure);
    expect(unlucky.health.setBack).toBe(false);
    unlucky.fare(failure);
    expect(unlucky.health.setBack).toBe(true);
    const fickle = open();
    for (let round = 0; round < 20; round += 1) fickle.fare(success, failure, failure);
    expect(fickle.health.setBack).toBe(true);
    const sound = open();
    for (let round = 0; round < 50; round += 1) sound.fare(success, failure, success, success);
    expect(sound.health.setBack).toBe(false);
  });

  test("after the pause one request is the trial; while it runs the others stay away", () => {
    const { clock, health, fare } = open();
    fare(failure, failure, failure);
    clock.advance(4_999);
    expect(health.setBack).toBe(true);
    clock.advance(1);
    expect(health.setBack).toBe(false);
    const end = health.begin();
    expect(health.setBack).toBe(true);
    end({ kind: "unknown" });
    expect(health.setBack).toBe(false);
  });

  test("a trial that fails doubles the pause, up to a minute", () => {
    const { clock, health, fare } = open();
    fare(failure, failure, failure);
    clock.advance(5_000);
    for (const pauseMs of [10_000, 20_000, 40_000, 60_000, 60_000]) {
      fare(failure);
      clock.advance(pauseMs - 1);
      expect(health.setBack).toBe(true);
      clock.advance(1);
      expect(health.setBack).toBe(false);
    }
  });

  test("a trial that succeeds brings it back with a weight that grows", () => {
    const { clock, health, fare } = open();
    expect(health.weight).toBe(1);
    fare(failure, failure, failure);
    clock.advance(5_000);
    fare(success);
    expect([health.setBack, health.weight]).toEqual([false, 0.1]);
    clock.advance(15_000);
    expect(health.weight).toBe(0.5);
    clock.advance(15_000);
    expect(health.weight).toBe(1);
  });

  test("failures of requests that began before it was set back do not prolong the pause", () => {
    const { clock, health, fare } = open();
    const late = [health.begin(), health.begin()];
    fare(failure, failure, failure);
    for (const end of late) end(failure);
    clock.advance(5_000);
    expect(health.setBack).toBe(false);
  });

  test("one that is busy is left alone for as long as it asked, and is not ill", () => {
    const { clock, health, fare } = open();
    fare({ kind: "busy", forMs: 2_000 });
    expect(health.setBack).toBe(true);
    clock.advance(2_000);
    expect([health.setBack, health.weight]).toEqual([false, 1]);
  });

  test("one that was gone and is ready again starts anew, gently", () => {
    const { health, fare } = open();
    fare(failure, failure, failure);
    health.comeBack();
    expect([health.setBack, health.weight]).toEqual([false, 0.1]);
  });
});

describe("RetryBudget", () => {
  test("further attempts that fail are bounded by a tenth of the requests and one a second", () => {
    const clock = testClock();
    const budget = new RetryBudget(clock);
    let failed = 0;
    for (let request = 0; request < 1_000; request += 1) {
      budget.first();
      clock.advance(10);
      if (!budget.allows) continue;
      budget.spend();
      failed += 1;
    }
    expect(failed).toBeGreaterThanOrEqual(110);
    expect(failed).toBeLessThanOrEqual(10 + 100 + 10);
  });

  test("further attempts that succeed cost nothing", () => {
    const budget = new RetryBudget(testClock());
    for (let request = 0; request < 1_000; request += 1) expect(budget.allows).toBe(true);
  });

  test("one that was drained to the bottom recovers within seconds", () => {
    const clock = testClock();
    const budget = new RetryBudget(clock);
    for (let request = 0; request < 1_000; request += 1) budget.spend();
    expect(budget.allows).toBe(false);
    clock.advance(11_000);
    expect(budget.allows).toBe(true);
  });
});
