import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cacheFolder, keep, run } from "../src/code-cache.ts";

let folder: string;
let file: string;
let cache: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nexus-code-"));
  file = join(folder, "program.cjs");
  cache = join(folder, "cache/build/status");
  const source = `exports.where = [__filename, __dirname, require("node:path").sep];
    exports.answer = () => 6 * 7;`;
  writeFileSync(file, source);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a program with a code cache", () => {
  test("runs as it would with `require`, first without and then from the cache", () => {
    const first = run({ file, cache });
    expect(first).toMatchObject({ isFromCache: false, exports: { where: [file, folder, sep] } });
    keep(cache, first.compiled());
    const second = run({ file, cache });
    expect(second.isFromCache).toBe(true);
    expect((second.exports as { answer: () => number }).answer()).toBe(42);
  });

  test("runs without one", () => {
    expect(run({ file })).toMatchObject({
      isFromCache: false,
      exports: { where: [file, folder, sep] },
    });
  });

  test("compiles anew when what is kept is broken", () => {
    mkdirSync(join(folder, "cache/build"), { recursive: true });
    writeFileSync(cache, "not code");
    expect(run({ file, cache })).toMatchObject({
      isFromCache: false,
      exports: { where: [file, folder, sep] },
    });
  });
});

describe("what is kept", () => {
  test("is readable by its owner alone, and whole or not there", () => {
    keep(cache, Buffer.from("code"));
    expect(readFileSync(cache, "utf8")).toBe("code");
    expect(readdirSync(join(folder, "cache/build"))).toEqual(["status"]);
    expect(statSync(cache).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "cache/build")).mode & 0o777).toBe(0o700);
  });

  test("of builds that have not started for a week goes when a new build comes", () => {
    for (const build of ["old", "recent"])
      keep(join(folder, "cache", build, "up"), Buffer.from(""));
    utimesSync(join(folder, "cache/old"), new Date(0), new Date(0));
    keep(cache, Buffer.from("code"));
    expect(readdirSync(join(folder, "cache")).toSorted()).toEqual(["build", "recent"]);
  });

  test("costs nobody a command when it cannot be written", () => {
    writeFileSync(join(folder, "cache"), "a file, where a folder would be");
    expect(() => keep(cache, Buffer.from("code"))).not.toThrow();
  });
});

test.each([
  ["linux", {}, "/home/me/.cache/nexus"],
  ["linux", { XDG_CACHE_HOME: "/var/me" }, "/var/me/nexus"],
  ["darwin", {}, "/home/me/Library/Caches/nexus"],
  ["win32", { LOCALAPPDATA: "/data" }, "/data/nexus/Cache"],
] as const)("on %s with %o it is kept in %s", (platform, environment, expected) => {
  expect(cacheFolder({ platform, environment, home: "/home/me" })).toBe(expected);
});
