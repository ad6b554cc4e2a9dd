import { expect, test } from "vitest";
import { LineSplitter } from "../../src/readiness/lines.ts";

test("lines come whole, however they arrive", () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const piece of ["a", "b\nc\n\n", "d", "e"]) splitter.push(piece);
  splitter.end();
  expect(lines).toEqual(["ab", "c", "de"]);
});

test("a line without an end is not collected for ever", () => {
  const lengths: number[] = [];
  const splitter = new LineSplitter((line) => lengths.push(line.length));
  const mebibyte = "x".repeat(1024 * 1024);
  for (let piece = 0; piece < 33; piece += 1) splitter.push(mebibyte);
  splitter.push("\nnext");
  splitter.end();
  expect(lengths).toEqual([32 * mebibyte.length, mebibyte.length, "next".length]);
});
