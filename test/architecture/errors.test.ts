import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { exitCodes } from "../../src/errors.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const sources = globSync("src/**/*.ts", { cwd: root }).map(read);
const page = read("docs/errors.md");

/** Sections of the page by their code. */
const sections = new Map(
  page
    .split(/^## (?=NEXUS_)/m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf("\n")), text]),
);

/** Every code that a line of src names as one. */
const codes = new Set(
  sources.flatMap((text) =>
    text
      .split("\n")
      .filter((line) => /\bcode\b.*"NEXUS_/.test(line))
      .flatMap((line) => [...line.matchAll(/"(NEXUS_[A-Z_]+)"/g)].map(([, code = ""]) => code)),
  ),
);

/** Code and exit code of every class of failure. */
const classes = sources
  .flatMap((text) => text.split(/^export class /m).slice(1))
  .flatMap((text) => {
    const [, code] = /^ {2}readonly code = "(NEXUS_[A-Z_]+)";/m.exec(text) ?? [];
    const [, exit] = /^ {2}readonly exitCode = exitCodes\.(\w+);/m.exec(text) ?? [];
    return code === undefined ? [] : [{ code, exit: exit as keyof typeof exitCodes }];
  });

test("docs/errors.md explains every code in src and no other, in the order of the alphabet", () => {
  expect([...sections.keys()]).toEqual([...codes].toSorted((a, b) => (a < b ? -1 : 1)));
});

test("no two failures share a code", () => {
  const all = classes.map(({ code }) => code);
  expect(all.filter((code, index) => all.indexOf(code) !== index)).toEqual([]);
  expect(all.length).toBeGreaterThan(80);
});

test("the exit code on the page is the one that the failure has", () => {
  const told = classes.map(({ code }) => [code, exitOnPage(code)]);
  expect(told).toEqual(classes.map(({ code, exit }) => [code, exitCodes[exit]]));
});

test("every section has a meaning, a remedy and an example of the message", () => {
  const whole =
    /^NEXUS_\w+\n\n[A-Z][^\n]+\.\n\n- Exit code: \d+ \([a-z ]+\)\n- Remedy: [^\n]+\.\n\n```text\n[^\n]+\n```\n\n?$/;
  expect([...sections].filter(([, text]) => !whole.test(text)).map(([code]) => code)).toEqual([]);
});

test("every exit code and every cause of a service that is not ready has its row", () => {
  const [, causes = ""] = /type Cause = Readonly<([^;]*(?:;[^;]*?)*?)\n>;/.exec(
    read("src/readiness/readiness.ts"),
  ) ?? [""];
  const kinds = [...causes.matchAll(/kind: "([a-z-]+)"/g)].map(([, kind]) => kind);
  expect(kinds.length).toBeGreaterThan(10);
  expect([...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, kind]) => kind)).toEqual(kinds);
  expect([...page.matchAll(/^\| (\d+) \|/gm)].map(([, exit]) => Number(exit))).toEqual(
    Object.values(exitCodes),
  );
});

function exitOnPage(code: string): number {
  return Number(/^- Exit code: (\d+) /m.exec(sections.get(code) ?? "")?.[1]);
}
