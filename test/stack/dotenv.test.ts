import fc from "fast-check";
import { expect, test } from "vitest";
import { parseEnvFile } from "../../src/stack/dotenv.ts";

const home = new Map([["HOME", { value: "/home/me", from: "environment HOME" }]]);

function read(text: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    parseEnvFile(text, home).entries.map(({ name, value }) => [name, value]),
  );
}

test.each([
  ["A=b", { A: "b" }],
  ["A = b ", { A: "b" }],
  ["A: b", { A: "b" }],
  ["export A=b", { A: "b" }],
  ["A=", { A: "" }],
  ["A", { A: undefined }],
  ["# no\n\n  # no\nA=b # yes", { A: "b" }],
  ["A=b#c", { A: "b#c" }],
  ["A='b # c'", { A: "b # c" }],
  ["A='$HOME'", { A: "$HOME" }],
  ['A="x $HOME"', { A: "x /home/me" }],
  ["A=${HOME}/x", { A: "/home/me/x" }],
  ["A=1\nB=${A}2", { A: "1", B: "12" }],
  ['A="one\\ntwo"', { A: "one\ntwo" }],
  ['A="one\ntwo"\nB=3', { A: "one\ntwo", B: "3" }],
  ["A='one\ntwo'", { A: "one\ntwo" }],
  ['A="say \\"hi\\""', { A: 'say "hi"' }],
  ["A='{\"a\": 1}'", { A: '{"a": 1}' }],
  ["\uFEFFA=b\r\nB=c\r\n", { A: "b", B: "c" }],
])("%j is read as Compose reads it", (text, expected) => {
  expect(read(text)).toEqual(expected);
});

test("what is no assignment is told with its line", () => {
  expect(parseEnvFile("A=b\n=c\n9x=1", home).problems).toEqual([
    { line: 2, message: "is not `NAME=value`" },
    { line: 3, message: "is not `NAME=value`" },
  ]);
});

test("anything in single quotes comes back as it is", () => {
  const quotable = fc.string().filter((text) => !/['\r]/.test(text));
  fc.assert(
    fc.property(quotable, (text) => {
      expect(read(`A='${text}'`)).toEqual({ A: text });
    }),
  );
});
