import { expect, test } from "vitest";
import {
  count,
  formatAge,
  formatBytes,
  formatDuration,
  formatShare,
} from "../../src/terminal/units.ts";

test("bytes are shown in the unit people would choose, with at most one decimal", () => {
  const shown = [0, 999, 1000, 12_345_678, 123_456_789, 4.1e9, 9e15].map(formatBytes);
  expect(shown).toEqual(["0 B", "999 B", "1 kB", "12.3 MB", "123 MB", "4.1 GB", "9000 TB"]);
});

test("a share is shown in the unit of the whole", () => {
  expect(formatShare(500_000, 36_000_000)).toBe("0.5/36 MB");
});

test("a duration shows its two largest units and never sixty of one", () => {
  const shown = [0, 340, 3200, 12_000, 59_700, 125_000, 3_600_000, 90_060_000].map(formatDuration);
  expect(shown).toEqual([
    "0 ms",
    "340 ms",
    "3.2 s",
    "12 s",
    "1 min",
    "2 min 5 s",
    "1 h",
    "1 d 1 h",
  ]);
});

test("an age is one unit, and empty for a container that never started", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  expect(formatAge("2026-01-01T23:59:48Z", now)).toBe("12 s");
  expect(formatAge("2026-01-01T00:00:00Z", now)).toBe("24 h");
  expect(formatAge("0001-01-01T00:00:00Z", now)).toBe("");
  expect(formatAge("", now)).toBe("");
});

test("a noun has an s unless there is one of it", () => {
  expect([count(1, "service"), count(2, "service")]).toEqual(["1 service", "2 services"]);
});
