import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interpolate, type Variables } from "../../src/stack/interpolate.ts";

const variables: Variables = new Map(
  Object.entries({ SET: "value", EMPTY: "", OTHER: "o" }).map(([name, value]) => [
    name,
    { value, from: name },
  ]),
);

describe("variables are filled in as Compose does", () => {
  test.each([
    ["$SET", "value"],
    ["${SET}", "value"],
    ["a${SET}b$OTHER.c", "avaluebo.c"],
    ["${SET:-d}", "value"],
    ["${EMPTY:-d}", "d"],
    ["${EMPTY-d}", ""],
    ["${NONE-d}", "d"],
    ["${NONE:-}", ""],
    ["${SET:+yes}", "yes"],
    ["${EMPTY:+yes}", ""],
    ["${EMPTY+yes}", "yes"],
    ["${NONE+yes}", ""],
    ["${NONE:-${ALSO:-${SET}}}", "value"],
    ["${NONE:-a}b}", "ab}"],
    ["${NONE:-http://h:1/?a=b}", "http://h:1/?a=b"],
    ["$$SET", "$SET"],
    ["$${SET}", "${SET}"],
    ["$$$SET", "$value"],
  ])("%s comes to %j", (text, expected) => {
    expect(interpolate(text, variables)).toMatchObject({ text: expected, problems: [] });
  });

  test("an unset variable is empty and told", () => {
    expect(interpolate("a${NONE}", variables)).toMatchObject({
      text: "a",
      unset: ["NONE"],
      problems: [],
    });
  });

  test("a default keeps a variable from counting as unset", () => {
    expect(interpolate("${NONE:-x}", variables).unset).toEqual([]);
  });

  test.each([
    ["${NONE:?say why}", "needs the variable NONE: say why"],
    ["${EMPTY:?}", "needs the variable EMPTY, which is not set"],
    ["${NONE?x}", "needs the variable NONE: x"],
    ["${SET", "`${` is never closed: add `}`"],
    ["5$", "a single `$` must be written `$$`, or name a variable as in `${VAR}`"],
    ["${1x}", "`${…}` must hold a variable's name"],
    ["${SET!x}", "`${…}` must hold a variable's name"],
  ])("%s is a problem", (text, problem) => {
    expect(interpolate(text, variables).problems[0]).toContain(problem);
  });
});

describe("for any text", () => {
  test("text without a dollar stays as it is", () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes("$")),
        (text) => {
          expect(interpolate(text, variables).text).toBe(text);
        },
      ),
    );
  });

  test("doubled dollars give back the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("$", "{", "}", "a", ":", "-") }), (text) => {
        const escaped = text.replaceAll("$", "$$$$");
        expect(interpolate(escaped, variables)).toEqual({
          text,
          used: [],
          unset: [],
          problems: [],
        });
      }),
    );
  });

  test("it ends, and never puts a value into a problem", () => {
    const secret: Variables = new Map([["A", { value: "s3cret", from: "A" }]]);
    const unit = fc.constantFrom("$", "{", "}", "A", "B", ":", "?", "-", "+", " ");
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        expect(interpolate(text, secret).problems.join()).not.toContain("s3cret");
      }),
    );
  });
});
