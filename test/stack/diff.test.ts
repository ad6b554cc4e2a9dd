import fc from "fast-check";
import { expect, test } from "vitest";
import { diffLines } from "../../src/stack/diff.ts";

test("a change is shown with three lines around it, far ones apart", () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`);
  const after = before.with(1, "two").toSpliced(17, 1);
  expect(diffLines(`${before.join("\n")}\n`, `${after.join("\n")}\n`, "f")).toMatchInlineSnapshot(`
    "--- f
    +++ f
    @@ -1,5 +1,5 @@
     line 1
    -line 2
    +two
     line 3
     line 4
     line 5
    @@ -15,6 +15,5 @@
     line 15
     line 16
     line 17
    -line 18
     line 19
     line 20"
  `);
});

test("equal texts have no diff", () => {
  expect(diffLines("a\n", "a\n")).toBe("");
});

/** The old text with every hunk put in its place. */
function patched(before: string, diff: string): string {
  const old = before.split("\n").slice(0, -1);
  const out: string[] = [];
  let at = 0;
  for (const line of diff.split("\n").slice(2)) {
    const start = /^@@ -(\d+)/.exec(line)?.[1];
    if (start !== undefined) {
      out.push(...old.slice(at, Number(start) - 1));
      at = Number(start) - 1;
      continue;
    }
    if (!line.startsWith("+") && old[at] !== line.slice(1))
      throw new Error(`no such line: ${line}`);
    if (!line.startsWith("-")) out.push(line.slice(1));
    if (!line.startsWith("+")) at += 1;
  }
  return [...out, ...old.slice(at)].map((line) => `${line}\n`).join("");
}

test("the diff of any two texts, put into the old one, gives the new one", () => {
  const text = fc
    .array(fc.constantFrom("a", "b", "c", "@@", "+", "-"), { maxLength: 30 })
    .map((lines) => lines.map((line) => `${line}\n`).join(""));
  fc.assert(
    fc.property(text, text, (before, after) => {
      fc.pre(before !== after);
      expect(patched(before, diffLines(before, after))).toBe(after);
    }),
  );
});
