import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatBytes,
  formatDuration,
  parseBytes,
  parseDuration,
} from "../../src/stack/quantities.ts";

describe("sizes", () => {
  test.each([
    ["8GiB", 8 * 1024 ** 3],
    ["8g", 8 * 1024 ** 3],
    ["8GB", 8 * 1024 ** 3],
    ["512m", 512 * 1024 ** 2],
    ["64kb", 64 * 1024],
    ["1.5k", 1536],
    ["0", 0],
    ["100b", 100],
    ["2T", 2 * 1024 ** 4],
  ])("%s is %d bytes, as in Compose", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each(["", "8 apples", "-1m", "GiB", "1mm", "1e3"])("%j is no size", (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });

  test("what is written is read back", () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 31),
        fc.constantFrom(1, 1024, 1024 ** 2, 1024 ** 3),
        (count, unit) => {
          expect(parseBytes(formatBytes(count * unit))).toBe(count * unit);
        },
      ),
    );
  });
});

describe("durations", () => {
  test.each([
    ["1m30s", 90_000],
    ["500ms", 500],
    ["2.5h", 9_000_000],
    ["0s", 0],
    ["1d", 86_400_000],
    ["1500us", 1.5],
  ])("%s is %d ms", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(["", "10", "s", "1 m", "-1s", "1m 30s", "1x"])("%j is no duration", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test("what is written is read back", () => {
    fc.assert(
      fc.property(fc.nat(), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });
});
