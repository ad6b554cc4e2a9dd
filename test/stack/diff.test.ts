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

test("its lines without the added ones are the old text, without the removed ones the new", () => {
  const text = fc
    .array(fc.constantFrom("a", "b", "c"), { maxLength: 6 })
    .map((lines) => lines.map((line) => `${line}\n`).join(""));
  fc.assert(
    fc.property(text, text, (before, after) => {
      fc.pre(before !== after);
      const lines = diffLines(before, after)
        .split("\n")
        .slice(2)
        .filter((line) => !line.startsWith("@@"));
      const side = (sign: string): string =>
        lines
          .filter((line) => !line.startsWith(sign))
          .map((line) => `${line.slice(1)}\n`)
          .join("");
      expect([side("+"), side("-")]).toEqual([before, after]);
    }),
  );
});
