import { expect, test } from "vitest";
import { Speed } from "../../src/apply/speed.ts";

test("a download's speed is bytes over time, smoothed, and never negative", () => {
  let now = 0;
  const speed = new Speed(() => now);
  const at = (ms: number, bytes: number) => {
    now = ms;
    return speed.at(bytes);
  };

  expect(at(100, 5_000)).toBe(0);
  expect(at(1_000, 10_000)).toBe(10_000);
  expect(at(2_000, 10_000)).toBeCloseTo(7_000);
  expect(at(3_000, 0)).toBeCloseTo(4_900);
});
