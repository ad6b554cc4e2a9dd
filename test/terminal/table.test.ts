import { expect, test } from "vitest";
import { table } from "../../src/terminal/table.ts";
import { padTo, printable, truncate, visibleWidth } from "../../src/terminal/width.ts";

const rows = [
  { name: "ollama", why: "waiting for llama3.2:1b, 45 %", size: 12 },
  { name: "語音", why: "", size: 1234 },
];
const columns = [
  { title: "SERVICE", value: (row: (typeof rows)[0]) => row.name },
  { title: "WHY", value: (row: (typeof rows)[0]) => row.why, shrink: true },
  { title: "NOTE", value: () => "" },
  { title: "SIZE", value: (row: (typeof rows)[0]) => String(row.size), align: "right" as const },
];

test("columns line up by what the eye sees, and empty ones are left out", () => {
  expect(table(rows, columns)).toBe(
    [
      "SERVICE  WHY                            SIZE",
      "ollama   waiting for llama3.2:1b, 45 %    12",
      "語音                                    1234",
    ].join("\n"),
  );
});

test("a table too wide for the terminal cuts the column that may be cut", () => {
  const lines = table(rows, columns, { width: 30 }).split("\n");
  expect(lines[1]).toBe("ollama   waiting for ll…    12");
  expect(Math.max(...lines.map(visibleWidth))).toBe(30);
});

test("colour is put around cells after they are aligned", () => {
  const painted = columns.map((column) => ({
    ...column,
    paint: () => (text: string) => `<${text}>`,
  }));
  expect(table(rows.slice(0, 1), painted.slice(0, 1))).toBe("SERVICE\n<ollama >");
});

test("width counts cells, not code units or escape codes", () => {
  expect(["abc", "\u001B[31mabc\u001B[39m", "語音", "é", "👩‍🚀"].map(visibleWidth)).toEqual([
    3, 3, 4, 1, 2,
  ]);
  expect(truncate("語音合成", 5)).toBe("語音…");
  expect(padTo("語", 4)).toBe("語  ");
});

test("what a program prints cannot steer the terminal", () => {
  expect(printable("a\u001B[2Jb\u0007c\rd\te")).toBe("abcd\te");
  // What a terminal takes for the beginning of a command, too, in one character.
  expect(printable("a\u009Db\u0090c\u0085d")).toBe("abcd");
});

test("a name that a service gives itself neither steers the terminal nor begins a line of its own", () => {
  const liars = [{ name: "a\u001B]0;owned\u0007\u001B[2Jb\nc" }];
  const text = table(liars, [{ title: "NAME", value: ({ name }) => name }]);
  expect(text).toBe("NAME\nab c");
});
