import { expect, test } from "vitest";
import { justAfter } from "../../src/engine/stack-logs.ts";
import { InvalidTimeError, logFormatter, logRange, parseMoment } from "../../src/terminal/logs.ts";
import { plainTheme } from "../../src/terminal/theme.ts";

const now = new Date("2026-01-02T00:00:00Z");

test("a moment is a span back from now, or a date, or unix seconds", () => {
  expect(parseMoment("10m", now)).toBe("2026-01-01T23:50:00.000Z");
  expect(parseMoment("1h30m", now)).toBe("2026-01-01T22:30:00.000Z");
  expect(parseMoment("2026-01-01T12:00:00Z", now)).toBe("2026-01-01T12:00:00.000Z");
  expect(parseMoment("1767225600", now)).toBe("2026-01-01T00:00:00.000Z");
  for (const wrong of ["", "10", "yesterday", "10x"])
    expect(() => parseMoment(wrong, now)).toThrow(InvalidTimeError);
});

test("only what was asked for limits the log", () => {
  const flags = { follow: true, timestamps: false, "no-prefix": false, tail: 5, since: "1h" };
  expect(logRange(flags, now)).toEqual({
    follow: true,
    tail: 5,
    since: "2026-01-01T23:00:00.000Z",
  });
});

const line = {
  stream: "stdout",
  service: "llm",
  container: "home-llm-1",
  timestamp: "2026-01-01T00:00:00.5Z",
  text: "a\u001B[31mb\u001B[2Jc",
} as const;
const look = {
  theme: plainTheme,
  services: ["gateway", "llm"],
  prefix: true,
  timestamps: false,
  colour: false,
  prose: false,
};

test("a line says whose it is, aligned, and cannot steer the terminal", () => {
  expect(logFormatter(look)(line)).toBe("llm     │ abc");
  expect(logFormatter({ ...look, prefix: false, timestamps: true })(line)).toBe(
    "2026-01-01T00:00:00.5Z abc",
  );
});

test("with colours, a program's own colours stay and end with its line", () => {
  expect(logFormatter({ ...look, prefix: false, colour: true, prose: false })(line)).toBe(
    "a\u001B[31mbc\u001B[0m",
  );
});

test("following goes on one nanosecond after the last line", () => {
  expect(justAfter("2026-01-01T00:00:00.123456789Z")).toBe("1767225600.123456790");
  expect(justAfter("2026-01-01T00:00:00.999999999Z")).toBe("1767225601.000000000");
  expect(justAfter("2026-01-01T00:00:00Z")).toBe("1767225600.000000001");
});
