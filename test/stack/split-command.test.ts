import { expect, test } from "vitest";
import { splitCommand } from "../../src/stack/split-command.ts";

test.each([
  ["serve --port 80", ["serve", "--port", "80"]],
  ["  a   b ", ["a", "b"]],
  ["sh -c 'echo \"$$HOME\"'", ["sh", "-c", 'echo "$$HOME"']],
  ['a "b c" d"e"f', ["a", "b c", "def"]],
  ["a\\ b c", ["a b", "c"]],
  ['"a\\"b" "c\\d"', ['a"b', "c\\d"]],
  ["''", [""]],
  ["", []],
])("%j is split as a shell splits it", (line, words) => {
  expect(splitCommand(line)).toEqual(words);
});

test.each(["'a", 'x "y', "a\\"])("%j is not finished", (line) => {
  expect(splitCommand(line)).toBeUndefined();
});
