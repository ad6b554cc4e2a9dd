import { expect, test } from "vitest";
import { openScreen } from "../../src/terminal/live-screen.ts";

function stream(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, rows: 4, write: (text: string) => written.push(text) };
}

test("without a terminal every change is a block of its own, and what did not change is not repeated", () => {
  const pipe = stream(false);
  const screen = openScreen(pipe);
  for (const text of ["one", "one", "two"]) screen.show(text);
  screen.close();
  expect(pipe.written.join("")).toBe("one\n\ntwo\n");
});

test("on a terminal the text is repainted in place, cut to its height, and the cursor comes back", () => {
  const terminal = stream(true);
  const screen = openScreen(terminal);
  screen.show("a\nb\nc\nd\ne");
  screen.show("x");
  screen.close();
  expect(terminal.written).toEqual([
    "\u001B[?25l\u001B[2J\u001B[Ha\u001B[K\nb\u001B[K\nc\u001B[K\n\u001B[J",
    "\u001B[Hx\u001B[K\n\u001B[J",
    "\u001B[?25h\n",
  ]);
});
