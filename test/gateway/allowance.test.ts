import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Allowance } from "../../src/gateway/keys/allowance.ts";
import { Bucket } from "../../src/gateway/keys/bucket.ts";

const midnight = Date.UTC(2026, 10, 1);
const hour = 3_600_000;
const at = (monotonic: number, wall = midnight + monotonic) => ({ monotonic, wall });

describe("a bucket", () => {
  test("lets through its allowance at once, and no more than that and a minute's share later", () => {
    const steps = fc.array(fc.record({ wait: fc.nat(20_000), wanted: fc.nat(5) }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), steps, (perMinute, waits) => {
        const bucket = new Bucket(perMinute, 0);
        let now = 0;
        let used = 0;
        for (const { wait, wanted } of waits) {
          now += wait;
          for (let one = 0; one < wanted && bucket.msUntil(1, now) === 0; one += 1) {
            bucket.use(1, now);
            used += 1;
          }
        }
        expect(used).toBeLessThanOrEqual(perMinute + (now * perMinute) / 60_000 + 1e-6);
      }),
      { numRuns: 1_000 },
    );
  });

  test("is worth asking again exactly when it says", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.nat(1e5), (perMinute, used) => {
        const bucket = new Bucket(perMinute, 0);
        bucket.use(used, 0);
        const wait = bucket.msUntil(1, 0);
        const justBefore = Math.max(0, wait - 2);
        const rest = wait - justBefore;
        expect(Math.abs(bucket.msUntil(1, justBefore) - rest)).toBeLessThanOrEqual(1);
        expect(bucket.msUntil(1, wait + 1)).toBe(0);
      }),
    );
  });

  test("does not give more when its clock stands still or goes back", () => {
    const bucket = new Bucket(60, 1_000);
    bucket.use(60, 1_000);
    expect(bucket.level(500)).toBe(0);
    expect(bucket.level(1_000)).toBe(0);
    expect(bucket.level(2_000)).toBe(1);
  });
});

describe("an allowance", () => {
  test("refuses the request that is one too many, and says when the next one is welcome", () => {
    const allowance = new Allowance({ requests_per_minute: 2 }, at(0));
    expect(allowance.admit(at(0))).toMatchObject({
      kind: "admitted",
      headers: { "x-ratelimit-limit-requests": "2", "x-ratelimit-remaining-requests": "1" },
    });
    expect(allowance.admit(at(0)).kind).toBe("admitted");
    expect(allowance.admit(at(10_000))).toEqual({
      kind: "refused",
      limit: "requests_per_minute",
      retryAfterMs: 20_000,
      headers: {
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "50s",
      },
    });
    expect(allowance.admit(at(30_000)).kind).toBe("admitted");
  });

  test("lets an answer overdraw the minute's tokens, and waits until they are paid back", () => {
    const allowance = new Allowance({ tokens_per_minute: 600 }, at(0));
    expect(allowance.admit(at(0)).kind).toBe("admitted");
    allowance.charge(900, at(0));
    expect(allowance.admit(at(0))).toMatchObject({
      limit: "tokens_per_minute",
      retryAfterMs: 30_100,
      headers: { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m30s" },
    });
    expect(allowance.admit(at(30_100)).kind).toBe("admitted");
  });

  test("gives a day's tokens anew at midnight UTC, and not when the clock is set back", () => {
    const allowance = new Allowance({ tokens_per_day: 100 }, at(0));
    allowance.charge(100, at(22 * hour));
    expect(allowance.admit(at(23 * hour))).toMatchObject({
      limit: "tokens_per_day",
      retryAfterMs: hour,
      headers: { "x-ratelimit-limit-tokens": "100", "x-ratelimit-reset-tokens": "1h0m0s" },
    });
    expect(allowance.admit(at(0, midnight - hour)).kind).toBe("refused");
    expect(allowance.admit(at(24 * hour)).kind).toBe("admitted");
  });

  test("keeps what has been used when its limits change", () => {
    const allowance = new Allowance({ requests_per_minute: 10, tokens_per_day: 50 }, at(0));
    for (let one = 0; one < 5; one += 1) allowance.admit(at(0));
    allowance.charge(40, at(0));
    allowance.setLimits({ requests_per_minute: 6, tokens_per_day: 41 }, at(0));
    expect(allowance.admit(at(0))).toMatchObject({
      kind: "admitted",
      headers: { "x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "1" },
    });
    allowance.setLimits({}, at(0));
    expect(allowance.admit(at(0))).toEqual({ kind: "admitted", headers: {} });
  });

  test("tells of the tokens of the minute or of the day, whichever are fewer", () => {
    const allowance = new Allowance({ tokens_per_minute: 50, tokens_per_day: 100 }, at(0));
    const remaining = () => allowance.admit(at(0)).headers?.["x-ratelimit-remaining-tokens"];
    expect(remaining()).toBe("50");
    allowance.charge(70, at(0));
    expect(allowance.admit(at(90_000)).headers).toMatchObject({
      "x-ratelimit-limit-tokens": "100",
      "x-ratelimit-remaining-tokens": "30",
    });
  });
});
