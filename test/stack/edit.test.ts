import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diffLines } from "../../src/stack/diff.ts";
import { addService, removeService } from "../../src/stack/edit.ts";
import { InvalidStackError, StackEditError } from "../../src/stack/errors.ts";

const spec = { image: "x:1", environment: { A: "yes", B: "1" }, models: ["m", "n"] };

/** The diff without its head. */
function change(before: string, after: string): string {
  return diffLines(before, after).split("\n").slice(2).join("\n");
}

describe("adding a service", () => {
  test("only its lines are new: comments, quotes, order and blank lines stay", () => {
    const text = `# mine
name:   'home'   # quoted

services:

  # the first
  a: {image: "x:1"}   # in braces

  b:
    image: x:1
    # below

volumes: {v: }
# the end
`;
    expect(change(text, addService(text, "c", spec))).toMatchInlineSnapshot(`
      "@@ -10,5 +10,14 @@
           image: x:1
           # below
       
      +  c:
      +    image: x:1
      +    environment:
      +      A: yes
      +      B: "1"
      +    models:
      +      - m
      +      - n
      +
       volumes: {v: }
       # the end"
    `);
  });

  test("it is indented as the others are", () => {
    const text = "services:\n    a:\n        image: x:1\n        tmpfs:\n            - /run";
    expect(addService(text, "b", { image: "x:1", models: ["m"] })).toBe(
      `${text}\n    b:\n        image: x:1\n        models:\n            - m`,
    );
  });

  test("Windows line ends stay", () => {
    const text = "services:\r\n  a:\r\n    image: x:1\r\n";
    expect(addService(text, "b", { image: "x:1" })).toBe(`${text}  b:\r\n    image: x:1\r\n`);
  });

  test.each([
    ["services: {}\nname: t\n", "services:\n  b:\n    image: x:1\nname: t\n"],
    ["services:\nname: t\n", "services:\n  b:\n    image: x:1\nname: t\n"],
    ["name: t\n", "name: t\n\nservices:\n  b:\n    image: x:1\n"],
    ["", "services:\n  b:\n    image: x:1\n"],
    ["services: {} # none yet\n", "services: # none yet\n  b:\n    image: x:1\n"],
    ["services:\n  {}\nname: t\n", "services:\n  b:\n    image: x:1\nname: t\n"],
    ["services:\r\n  {}\r\n", "services:\r\n  b:\r\n    image: x:1\r\n"],
    ["services:\n  {}", "services:\n  b:\n    image: x:1\n"],
    ["services: {\n}\nname: t\n", "services:\n  b:\n    image: x:1\nname: t\n"],
    ["services:\n  # none\n  {} # yet\n", "services:\n  b:\n    image: x:1\n  # none\n # yet\n"],
    ["services: &all {}\n", "services: &all\n  b:\n    image: x:1\n"],
    ["services:\n  ~\n", "services:\n  b:\n    image: x:1\n"],
    ["services: Null\n", "services:\n  b:\n    image: x:1\n"],
  ])("the first service of %j", (text, expected) => {
    expect(addService(text, "b", { image: "x:1" })).toBe(expected);
  });

  test("variables in the file do not stand in the way", () => {
    const text = "services:\n  a:\n    image: x:${TAG:?}\n    port: ${PORT}\n";
    expect(addService(text, "b", { image: "x:1" })).toContain("\n  b:\n");
  });

  test("a name that is taken, a service that is not valid and services in braces are refused", () => {
    const misspelt = () => addService("services: {}\n", "b", { imge: "x" });
    expect(misspelt).toThrow(InvalidStackError);
    expect(misspelt).toThrow(/^With this change .* Nothing was written\./);
    expect(() => addService("services:\n  b:\n    image: x:1\n", "b", spec)).toThrow(
      StackEditError,
    );
    expect(() => addService("services: {a: {image: 'x:1'}}\n", "b", spec)).toThrow(StackEditError);
    expect(() => addService("a: [\n", "b", spec)).toThrow(InvalidStackError);
    expect(() => addService("services: { # why\n}\n", "b", spec)).toThrow(/would be lost/);
  });
});

describe("removing a service", () => {
  const text = `services:
  # about a
  a:
    image: x:1

  # about b
  b:
    image: x:1
# far left
    port: 1

  # about c
  c: {image: 'x:1'}

name: t
`;

  test("it goes with the comments right above it", () => {
    expect(change(text, removeService(text, "b"))).toMatchInlineSnapshot(`
      "@@ -3,12 +3,6 @@
         a:
           image: x:1
       
      -  # about b
      -  b:
      -    image: x:1
      -# far left
      -    port: 1
      -
         # about c
         c: {image: 'x:1'}
       "
    `);
  });

  test("no blank line too many stays behind", () => {
    expect(removeService(text, "a")).toMatch(/^services:\n {2}# about b/);
    expect(removeService(text, "c")).toMatch(/port: 1\n\nname: t\n$/);
  });

  test("the last one leaves an empty map", () => {
    expect(removeService("services:\n  a:\n    image: x:1\nname: t\n", "a")).toBe(
      "services: {}\nname: t\n",
    );
  });

  test("one that is not there is told", () => {
    expect(() => removeService(text, "d")).toThrow(/no service `d`/);
  });
});

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/).filter((text) => text !== "gateway");
const gap = fc.constantFrom("", "\n", "\n\n", "\n  # about it\n", "  # about it\n");
const body = fc.constantFrom(
  "    image: x:1\n",
  "    image: x:1 # why\n    # below\n",
  "    image: x:1\n    environment:\n      A: |\n        one\n\n        # two\n",
  "    image: 'x:1'\n\n    command: [a,   b]\n",
);
const file = fc
  .record({
    head: fc.constantFrom("", "name: t\n", "# top\n\nname: t\n\n"),
    services: fc.uniqueArray(fc.record({ name, gap, body }), {
      minLength: 1,
      maxLength: 4,
      selector: (one) => one.name,
    }),
    tail: fc.constantFrom(
      "",
      "\n",
      "volumes: {v: }\n",
      "\n\nvolumes:\n  v:\n",
      "\n  # service:\n  #   image: y\n",
      "# end\n",
    ),
    newline: fc.constantFrom("\n", "\r\n"),
  })
  .map(({ head, services, tail, newline }) => {
    const blocks = services.map((one) => `${one.gap}  ${one.name}:\n${one.body}`);
    return {
      text: `${head}services:\n${blocks.join("")}${tail}`.replaceAll("\n", newline),
      names: services.map((one) => one.name),
    };
  });

test("adding and removing gives back the same text", () => {
  fc.assert(
    fc.property(file, name, ({ text, names }, added) => {
      fc.pre(!names.includes(added));
      expect(removeService(addService(text, added, spec), added)).toBe(text);
    }),
  );
});

test("removing any service only takes lines away, and leaves the others as they were", () => {
  fc.assert(
    fc.property(file, fc.nat(), ({ text, names }, index) => {
      fc.pre(names.length > 1);
      const after = removeService(text, names[index % names.length] ?? "");
      expect(
        diffLines(text, after)
          .split("\n")
          .slice(2)
          .filter((line) => line.startsWith("+")),
      ).toEqual([]);
    }),
  );
});
