import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainOf } from "../../../src/migrate/read/document.ts";
import { readJson } from "../../../src/migrate/read/json.ts";
import { readYaml } from "../../../src/migrate/read/yaml.ts";
import type { Reading } from "../../../src/migrate/reading.ts";
import type { Part } from "../../../src/migrate/read/document.ts";
import { bytesLike, textOf } from "./arbitrary.ts";

const at = { host: "ai2", file: "/var/lib/gateway/app/tools_registry.json" };

const json = (text: string | Buffer) => readJson(Buffer.from(text), at);
const yaml = (text: string | Buffer) => readYaml(Buffer.from(text), at);
const plain = ({ found }: Reading<Part | undefined>) =>
  found === undefined ? undefined : plainOf(found);
const said = ({ notUnderstood }: Reading<unknown>) =>
  notUnderstood.map(({ at: { line }, what, why }) => `${line} ${what} ${why}`);

describe("JSON", () => {
  it("is refused with the line and column where it goes wrong, and no word of it", () => {
    const broken = '{\n  "tools": [\n    {"name": "secret"}\n  ]\n';
    expect(said(json(broken))).toEqual([
      "5 the file is not valid JSON: at line 5, column 1, `,` or `}` should be.",
    ]);
    expect(said(json('{"a": [1, 2,]}'))[0]).toContain("line 1, column 13, a value should be");
    expect(said(json("{\n\t'a': 1}"))[0]).toContain("line 2, column 2, a name in quotes should be");
    expect(said(json(""))[0]).toContain("line 1, column 1, a value should be");
    expect(said(json("[1] x"))[0]).toContain("column 5, the end of the file should be");
  });

  it("keeps the line of a setting that it is the value of", () => {
    const reading = readJson(Buffer.from('{"a":'), { ...at, line: 12 });
    expect(said(reading)).toEqual([
      "12 the value is not valid JSON: at line 1, column 6, a value should be.",
    ]);
  });

  it("tells of names given twice without naming them, and keeps names of prototypes", () => {
    const reading = json('{"__proto__": {"a": 1},\n"x": 1,\n"x": 2}');
    expect(Object.entries(plain(reading) as object)).toEqual([
      ["__proto__", { a: 1 }],
      ["x", 2],
    ]);
    expect(said(reading)).toEqual(["3 line 3 gives a name a second time: the last value counts."]);
  });

  it("is what JSON.parse says it is, and nothing else", () => {
    const parsed = (text: string): unknown => {
      try {
        return { is: JSON.parse(text) as unknown };
      } catch {
        return undefined;
      }
    };
    const texts = fc.oneof(
      fc.jsonValue().map((value) => JSON.stringify(value, undefined, 1)),
      fc
        .tuple(fc.json(), fc.nat(), textOf('{}[],:"\\ 0-.e\n\u0001t', 1))
        .map(([text, index, extra]) => {
          const cut = index % (text.length + 1);
          return text.slice(0, cut) + extra + text.slice(cut + (index % 2));
        }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const { found } = json(text);
        expect(found && { is: plainOf(found) }).toEqual(parsed(text));
      }),
      { numRuns: 500 },
    );
  });

  it("never makes the reader throw, however deep or odd", () => {
    expect(plain(json("[".repeat(1_000_000)))).toBeUndefined();
    expect(said(json(Buffer.alloc(17 * 1024 * 1024, 0x20)))[0]).toContain("16 MiB");
    fc.assert(
      fc.property(bytesLike('{}[]",:\\u0 \n', '"a":', "true"), (bytes) => {
        const { found, notUnderstood } = readJson(bytes, at);
        expect(found === undefined).toBe(
          notUnderstood.some(({ why }) => why.includes("not valid")),
        );
      }),
    );
  });
});

describe("YAML", () => {
  it("has lines, merge keys and the words of PyYAML", () => {
    const reading = yaml("base: &b {a: 1, b: yes}\nother:\n  <<: *b\n  a: 2\n  when: 2026-01-17\n");
    expect(plain(reading)).toEqual({
      base: { a: 1, b: true },
      other: { a: 2, b: true, when: "2026-01-17" },
    });
    expect(reading.found?.kind === "map" && reading.found.entries.get("other")?.line).toBe(3);
  });

  it("is read as far as it can be, and says where it is wrong", () => {
    const reading = yaml("hosts:\n  ai1: {os: ubuntu\nservices: {}\n");
    expect(said(reading).length).toBeGreaterThan(0);
    expect(said(yaml("a: 1\na: 2\n"))).toEqual(["2 a is given twice: the last value counts."]);
    expect(said(yaml("a: *nothing\n"))[0]).toContain("unknown anchor");
  });

  it("does not grow without end when aliases repeat aliases, or themselves", () => {
    const levels = Array.from({ length: 30 }, (_, i) => `l${i + 1}: &l${i + 1} [*l${i}, *l${i}]`);
    const start = performance.now();
    expect(said(yaml(`l0: &l0 [x, x]\n${levels.join("\n")}`))).toEqual([
      expect.stringContaining("cut off"),
    ]);
    expect(said(yaml("a: &a [*a, *a]"))).toEqual([expect.stringContaining("cut off")]);
    expect(said(yaml("[".repeat(300_000)))[0]).toContain("256 KiB");
    expect(performance.now() - start).toBeLessThan(4000);
  });

  it("never makes the reader throw, whatever its bytes", () => {
    const start = performance.now();
    for (const text of ["[".repeat(20_000), "{a: ".repeat(5000), "- ".repeat(5000), "!!set {a}"])
      expect(yaml(text).notUnderstood.length).toBeGreaterThanOrEqual(0);
    expect(performance.now() - start).toBeLessThan(5000);
    const bytes = bytesLike(
      "{}[]&*!?:-|>'\"#%@ \n",
      "a: ",
      "<<: *a",
      "&a ",
      "2001-99-99",
      "!!binary x",
    );
    fc.assert(
      fc.property(bytes, (given) => {
        expect(readYaml(given, at).notUnderstood).toBeInstanceOf(Array);
      }),
      { numRuns: 300 },
    );
  });
});
