import { expect, test } from "vitest";
import { colourLevel, plainTheme, themeOf } from "../../src/terminal/theme.ts";

const terminal = { isTTY: true, getColorDepth: () => 8 };

test("colours are for terminals, unless NO_COLOR or FORCE_COLOR say otherwise", () => {
  expect(colourLevel(terminal, {})).toBe(2);
  expect(colourLevel({}, {})).toBe(0);
  expect(colourLevel(terminal, { NO_COLOR: "1" })).toBe(0);
  expect(colourLevel(terminal, { NO_COLOR: "" })).toBe(2);
  expect(colourLevel({}, { FORCE_COLOR: "1" })).toBe(1);
  expect(colourLevel({}, { FORCE_COLOR: "" })).toBe(1);
  expect(colourLevel(terminal, { FORCE_COLOR: "0" })).toBe(0);
  expect(colourLevel(terminal, { TERM: "dumb" })).toBe(0);
});

test("a stream without colours gets text as it is; one with colours gets escape codes", async () => {
  expect(await themeOf({}, {})).toBe(plainTheme);
  expect((await themeOf(terminal, {})).bad("no")).toBe("\u001B[31mno\u001B[39m");
});

test("a colour takes one text, whatever else it is handed", async () => {
  const { dim } = await themeOf(terminal, {});
  expect(["a", "b"].map(dim)).toEqual(["a", "b"].map((text) => dim(text)));
});
