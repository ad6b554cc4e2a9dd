import { existsSync, globSync, readFileSync, readdirSync } from "node:fs";
import type { Command } from "@oclif/core";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const folders = readdirSync(new URL("src", root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const { default: boundaries } = (await import(new URL(".dependency-cruiser.js", root).href)) as {
  default: Readonly<{ forbidden: readonly { name: string }[] }>;
};
const rooms = boundaries.forbidden.flatMap(
  ({ name }) => /^(\w+)-keeps-to-its-neighbours$/.exec(name)?.[1] ?? [],
);

test("every room of the boundary table exists, and every folder is a room", () => {
  expect(rooms.filter((room) => !existsSync(new URL(`src/${room}`, root)))).toEqual([]);
  // Hooks are oclif's way to commands.
  expect(folders.filter((folder) => folder !== "hooks" && !rooms.includes(folder))).toEqual([]);
});

test("ARCHITECTURE.md shows the boundary table as it is enforced", () => {
  const [, table = ""] = /\| room \| may import \|\n.*\n((?:\|.*\n)+)/.exec(
    read("ARCHITECTURE.md"),
  ) ?? [""];
  const shown = table.split("\n").flatMap((line) => line.split("|")[1]?.trim().split(", ") ?? []);
  expect(new Set(shown)).toEqual(new Set(rooms));
});

test("no file of src has more than 250 lines of code", () => {
  const long = globSync("src/**/*.ts", { cwd: root }).filter((file) => linesOfCode(file) > 250);
  expect(long).toEqual([]);
});

test("every command says what it does, in a sentence and at length, with an example", async () => {
  for (const file of globSync("src/commands/**/*.ts", { cwd: root })) {
    const module = (await import(new URL(file, root).href)) as { default: typeof Command };
    const { summary = "", description = "", examples } = module.default;
    expect([file, summary]).toEqual([file, expect.stringMatching(/^[A-Z].*\.$/)]);
    expect([file, description]).toEqual([file, expect.stringMatching(/^[A-Z][^]*\.$/)]);
    expect([file, examples.length]).not.toEqual([file, 0]);
  }
});

/** Lines that are neither empty nor comment, as the linter counts them. */
function linesOfCode(file: string): number {
  const bare = read(file).replaceAll(/\/\*\*[^]*?\*\//g, "");
  return bare.split("\n").filter((line) => !/^\s*(?:\/\/.*)?$/.test(line)).length;
}
