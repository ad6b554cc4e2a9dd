import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesLike, textOf } from "./arbitrary.ts";
import { readEnvFile } from "../../../src/migrate/read/env-file.ts";

const at = { host: "ai2", file: "/var/lib/gateway/app/.env" };

function read(text: string | Buffer, dialect: "dotenv" | "systemd" = "dotenv") {
  const { found, notUnderstood } = readEnvFile(Buffer.from(text), at, dialect);
  const values = Object.fromEntries([...found].map(([name, { value }]) => [name, value]));
  const lines = Object.fromEntries([...found].map(([name, { at: place }]) => [name, place.line]));
  const notes = notUnderstood.map(({ at: { line }, what, why }) => `${line} ${what}: ${why}`);
  return { values, lines, notes };
}

describe("environment files of the old gateway", () => {
  it("lose comments behind values as python-dotenv does, and keep them as systemd does", () => {
    const text = "DEFAULT_BACKEND=ollama   # ollama|mlx\n";
    expect(read(text).values).toEqual({ DEFAULT_BACKEND: "ollama" });
    expect(read(text, "systemd").values).toEqual({ DEFAULT_BACKEND: "ollama   # ollama|mlx" });
  });

  it.each(["dotenv", "systemd"] as const)("keep spaces and JSON without quotes (%s)", (dialect) => {
    const json = '{"gpu_fast":{"model":"SDXL Turbo","steps":4,"cfg_scale":0}}';
    const text = `INVOKEAI_DEFAULT_MODEL=Juggernaut XL v9\nSHIM_MODEL_PRESETS_JSON=${json}\n`;
    expect(read(text, dialect)).toMatchObject({
      values: { INVOKEAI_DEFAULT_MODEL: "Juggernaut XL v9", SHIM_MODEL_PRESETS_JSON: json },
      notes: [],
    });
  });

  it.each(["\n", "\r\n", "\r"])("have the same lines whatever ends them (%j)", (end) => {
    const text = `${["# first", "", "A=1", '  export B = "two" # c', "C="].join(end)}${end}`;
    expect(read(text)).toEqual({
      values: { A: "1", B: "two", C: "" },
      lines: { A: 3, B: 4, C: 5 },
      notes: [],
    });
  });

  it("end a quoted value at the first quote that no backslash escapes", () => {
    expect(read('A="C:\\\\"\nB=\'it\\\'s\'\nC="\\"\n')).toMatchObject({
      values: { A: "C:\\", B: "it's" },
      notes: [expect.stringMatching(/^3 line 3/)],
    });
  });

  it("fill in references from above, and say which only the old environment knew", () => {
    const text = [
      "FYC_HOST=127.0.0.1",
      "FYC_PORT=8123",
      'FYC_CMD="bash -lc \\"uvicorn fyc_shim.server:app --host ${FYC_HOST} --port ${FYC_PORT}\\""',
      "OUT='${BASE:-/var/lib}/out'",
      "CACHE=${HOME}/cache",
    ].join("\n");
    expect(read(text)).toMatchObject({
      values: {
        FYC_CMD: 'bash -lc "uvicorn fyc_shim.server:app --host 127.0.0.1 --port 8123"',
        OUT: "/var/lib/out",
        CACHE: "${HOME}/cache",
      },
      notes: [
        "5 CACHE: names in `${…}` what only the environment of the old program knew: it is kept.",
      ],
    });
    expect(read("A=1\nB=${A}", "systemd").values).toEqual({ A: "1", B: "${A}" });
  });

  it("count the last of several assignments, and tell of the others", () => {
    expect(read("A=1\nB=2\nA=3\n")).toEqual({
      values: { A: "3", B: "2" },
      lines: { A: 3, B: 2 },
      notes: ["1 A: is set again on line 3: the last one counts."],
    });
  });

  it("say what no program understood, without a word of what stands there", () => {
    const text = 'sk-0123456789abcdef\nA="open\nB C=2\n=5\nX=1\n';
    const { values, notes } = read(text);
    expect(values).toEqual({ X: "1" });
    expect(notes.map((note) => note.split(" is ")[0]?.split(" has ")[0])).toEqual([
      "1 line 1:",
      "2 line 2:",
      "3 line 3:",
      "4 line 4:",
    ]);
    expect(notes.join("\n")).not.toMatch(/sk-|open/);
  });

  it("read quotes over several lines, and go on counting", () => {
    expect(read("A='one\ntwo'\nB=3")).toMatchObject({
      values: { A: "one\ntwo", B: "3" },
      lines: { A: 1, B: 3 },
    });
    const systemd = '; c\nA="one\\\ntwo" three\nB=4 \\\n5\nexport C=6\nnothing\n';
    expect(read(systemd, "systemd")).toMatchObject({
      values: { A: "onetwothree", B: "4 5" },
      lines: { A: 2, B: 4 },
      notes: [expect.stringMatching(/^6 line 6/), expect.stringMatching(/^7 line 7/)],
    });
  });

  it("survive a byte order mark, bytes that are no text, and names of prototypes", () => {
    const bytes = Buffer.concat([
      Buffer.from("\uFEFF__proto__=1\nconstructor=2\nA="),
      Buffer.from([0xff]),
    ]);
    const { found, notUnderstood } = readEnvFile(bytes, at, "dotenv");
    expect([...found.keys()]).toEqual(["__proto__", "constructor", "A"]);
    expect(notUnderstood).toMatchObject([{ what: "the file" }]);
  });

  it("do not grow without end when each line doubles the one before", () => {
    const lines = Array.from({ length: 400 }, (_, i) => `V${i + 1}=\${V${i}}\${V${i}}`);
    const { notes } = read(`V0=xxxxxxxx\n${lines.join("\n")}`);
    expect(notes.length).toBeGreaterThan(0);
  });

  it.each([
    ["references", "A=" + "${".repeat(500_000)],
    ["hashes", "A=" + "#".repeat(1_000_000)],
    ["spaces", "A=x" + " ".repeat(1_000_000) + "y"],
    ["quotes", 'A="\\"\n'.repeat(200_000)],
  ])("are read in one go however many %s they have", (_, text) => {
    const start = performance.now();
    read(text);
    read(text, "systemd");
    expect(performance.now() - start).toBeLessThan(4000);
  });
});

const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,12}$/);
const value = textOf("ab1 #'\"\\=:$\t;é\n", 16).filter((text) => !text.includes("${"));

/** Independent of the readers: from the documents of the two programs. Undefined where a style cannot say it. */
const writers: Readonly<
  Record<string, Readonly<Record<string, (text: string) => string | undefined>>>
> = {
  dotenv: {
    double: (text) =>
      `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`,
    single: (text) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`,
    bare: (text) => (/^['"\s#]|\n|\s#|\s$/.test(text) ? undefined : text),
  },
  systemd: {
    double: (text) => `"${text.replaceAll(/["\\`$]/g, (found) => `\\${found}`)}"`,
    single: (text) => (text.includes("'") ? undefined : `'${text}'`),
    bare: (text) => (/^['"\s]|[\n\\]|\s$/.test(text) ? undefined : text),
  },
};

describe.each(["dotenv", "systemd"] as const)("any file in the words of %s", (dialect) => {
  const entry = fc.record({
    name,
    value,
    style: fc.constantFrom("double", "single", "bare"),
    before: fc.constantFrom("", "# comment\n", "\n", "   "),
    end: fc.constantFrom("\n", "\r\n"),
  });

  it("gives back what was written into it", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
        const expected: Record<string, string> = {};
        let text = "";
        for (const { name: key, value: given, style, before, end } of entries) {
          const written = writers[dialect]?.[style]?.(given);
          if (written === undefined) continue;
          expected[key] = given;
          text += `${before}${key}=${written}${end}`;
        }
        expect(read(text, dialect).values).toEqual(expected);
      }),
    );
  });

  it("is found or noted line by line, but for blanks and comments", () => {
    const line = fc.oneof(
      textOf("AB= #$:{}\t.;-é", 12),
      fc.constantFrom("A=1", "export B=x", "", "# c", "D", " = ", "E=${A}", "__proto__=2"),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const { found, notUnderstood } = readEnvFile(Buffer.from(lines.join("\n")), at, dialect);
        const places = [...found.values(), ...notUnderstood].map(({ at: place }) => place.line);
        const comment = dialect === "dotenv" ? /^\s*(?:export\s+)?#/ : /^\s*[#;]/;
        for (const [index, text] of lines.entries())
          expect(places.includes(index + 1)).toBe(text.trim() !== "" && !comment.test(text));
      }),
    );
  });

  it("never makes the reader throw, whatever its bytes", () => {
    const bytes = bytesLike("A='\"\\\r\n#${} ", "export ", "\\\n");
    fc.assert(
      fc.property(bytes, (given) => {
        expect(readEnvFile(given, at, dialect).found).toBeInstanceOf(Map);
      }),
    );
  });
});
