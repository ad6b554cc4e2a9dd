import fc from "fast-check";
import { expect, test } from "vitest";
import { fold } from "../../src/terminal/fold.ts";
import { visibleWidth } from "../../src/terminal/width.ts";

test("what fits, and what goes into a pipe, is left as it is", () => {
  expect(fold("a short line", 40)).toBe("a short line");
  expect(fold("a long line ".repeat(20), undefined)).toBe("a long line ".repeat(20));
});

test("a line that is too wide goes on below its last column", () => {
  expect(
    fold("engine  Docker Engine 20.10.24, API 1.41, linux/amd64, unix:///run/docker.sock", 50),
  ).toBe(
    [
      "engine  Docker Engine 20.10.24, API 1.41,",
      "        linux/amd64, unix:///run/docker.sock",
    ].join("\n"),
  );
});

test("a line with a mark goes on below its text", () => {
  expect(fold("    → Look at its last lines, or at what the machine says", 34)).toBe(
    "    → Look at its last lines, or\n      at what the machine says",
  );
});

test("a last column that would be too narrow is not kept to", () => {
  expect(fold(`${"x".repeat(30)}  some words that do not fit beside it`, 40)).toBe(
    `${"x".repeat(30)}  some\nwords that do not fit beside it`,
  );
});

test("colours take no room", () => {
  expect(fold("\u001B[31mred words here\u001B[39m and plain ones", 25)).toBe(
    "\u001B[31mred words here\u001B[39m and plain\nones",
  );
});

test("no line is wider than the terminal unless a single word is, and no word is lost", () => {
  const word = fc.stringMatching(/^[a-z→✔]{1,12}$/);
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1 }),
      fc.integer({ min: 24, max: 60 }),
      (words, width) => {
        const folded = fold(words.join(" "), width);
        expect(folded.split(/\s+/).filter(Boolean)).toEqual(words);
        expect(Math.max(...folded.split("\n").map(visibleWidth))).toBeLessThanOrEqual(width);
      },
    ),
  );
});
