import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buffer, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { type Header, pack } from "tar-stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { archivedTrees } from "../../../src/migrate/source/archive.ts";
import type { SourceTree } from "../../../src/migrate/source/tree.ts";
import { footprint } from "../../support/footprint.ts";

let folder = "";
const tmp = process.env["TMPDIR"];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-test-"));
  await mkdir(join(folder, "tmp"));
  process.env["TMPDIR"] = join(folder, "tmp");
});

afterEach(async () => {
  if (tmp === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = tmp;
  await rm(folder, { recursive: true, force: true });
});

type Entry = Partial<Header> & { name: string } & { content?: string };

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) tar.entry(header, content ?? "");
  tar.finalize();
  return buffer(tar);
}

async function archive(entries: readonly Entry[], name = "ai1.tar.gz"): Promise<string> {
  const file = join(folder, name);
  const tar = await tarOf(entries);
  await writeFile(file, name.endsWith("gz") ? gzipSync(tar) : tar);
  return file;
}

async function textAt(tree: SourceTree | undefined, path: string): Promise<string | undefined> {
  const file = await tree?.read(path);
  return file?.kind === "file" ? file.bytes.toString("utf8") : file?.kind;
}

const unpacked = () => readdir(join(folder, "tmp"));
const host = [{ name: "etc/hostname", content: "ai1" }];

it("an archive of a host is read by the host's paths, and is unpacked for its owner alone until it is done with", async () => {
  const file = await archive([...host, { name: "./var/lib/x/.env", content: "A=1", mode: 0o777 }]);
  const before = await footprint(folder);
  const [tree] = await archivedTrees(file);
  expect([tree?.host, tree?.live]).toEqual(["ai1", false]);
  expect(await textAt(tree, "/var/lib/x/.env")).toBe("A=1");
  const [name = ""] = await unpacked();
  expect((await stat(join(folder, "tmp", name))).mode & 0o777).toBe(0o700);
  await tree?.[Symbol.asyncDispose]();
  expect(await unpacked()).toEqual([]);
  expect((await footprint(folder)).filter((line) => !line.startsWith("tmp "))).toEqual(
    before.filter((line) => !line.startsWith("tmp ")),
  );
});

it("the old gateway-backup.tar.gz stands where its content was", async () => {
  const file = await archive(
    [
      { name: "./", type: "directory" },
      { name: "./users.sqlite", content: "" },
      { name: "./releases/1.json", content: "the release" },
      {
        name: "./releases/latest.json",
        type: "symlink",
        linkname: "/var/lib/gateway/data/releases/1.json",
      },
    ],
    "gateway-backup.tar.gz",
  );
  const [tree] = await archivedTrees(file);
  expect(tree?.host).toBe("gateway-backup");
  expect(await textAt(tree, "/var/lib/gateway/data/releases/latest.json")).toBe("the release");
  await tree?.[Symbol.asyncDispose]();
});

it("an archive of several hosts in a folder gives a tree each, and is there until the last is done with", async () => {
  const entries = ["ai1", "ai2"].map((name) => ({ name: `old/${name}/etc/me`, content: name }));
  const trees = await archivedTrees(await archive(entries, "all.tar"));
  expect(trees.map((tree) => tree.host)).toEqual(["ai1", "ai2"]);
  await trees[0]?.[Symbol.asyncDispose]();
  expect(await textAt(trees[1], "/etc/me")).toBe("ai2");
  await trees[1]?.[Symbol.asyncDispose]();
  expect(await unpacked()).toEqual([]);
});

it("what would land or lead outside, devices and clashes are told and not made", async () => {
  const away = join(folder, "away");
  await mkdir(away);
  const file = await archive([
    ...host,
    { name: "../up", content: "u" },
    { name: "var/../../up", content: "u" },
    { name: "var/trap", type: "symlink", linkname: away },
    { name: "var/trap/in", content: "i" },
    { name: "var/trap2", type: "symlink", linkname: away },
    { name: "var/trap2/deep", type: "symlink", linkname: "x" },
    { name: "var/climb", type: "symlink", linkname: "../../../out" },
    { name: "var/disk", type: "block-device" },
    { name: "var/hard", type: "link", linkname: "etc/hostname" },
    { name: "var/hard2", type: "link", linkname: "../../etc/passwd" },
    { name: "/var/absolute", content: "below" },
  ]);
  const [tree] = await archivedTrees(file);
  expect(await readdir(away)).toEqual([]);
  expect(await textAt(tree, "/var/hard")).toBe("ai1");
  expect(await textAt(tree, "/var/absolute")).toBe("below");
  expect(await textAt(tree, "/var/trap/in")).toBe("i");
  expect(tree?.unread().map(({ at, why }) => `${at.file}: ${why}`)).toEqual([
    "/up: The archive would have it written outside of its own folder.",
    "/var/disk: It is a device, a pipe or something else that holds nothing.",
    "/var/hard2: It is another name of a file that the archive does not have.",
    "/var/trap: The archive has something else of that name.",
    "/var/trap2/deep: The archive has something else of that name.",
    "/var/climb: It is a symbolic link that leads out of the archive.",
  ]);
  await tree?.[Symbol.asyncDispose]();
});

it.each(["ai1.tar", "ai1.tar.gz"])(
  "a %s that was cut off anywhere is refused, and leaves nothing",
  async (name) => {
    const file = await archive([...host, { name: "var/a", content: "x".repeat(700) }], name);
    const { size } = await stat(file);
    const cuts = name.endsWith("gz") ? [20, size - 4] : [512, 700, 1024, 1536, size - 1024];
    const whole = await readFile(file);
    for (const cut of cuts) {
      await writeFile(file, whole);
      await truncate(file, cut);
      await expect(archivedTrees(file)).rejects.toMatchObject({ code: "NEXUS_ARCHIVE_BROKEN" });
    }
    expect(await unpacked()).toEqual([]);
  },
);

it("files of many names are refused where there is no room for a copy under each", async () => {
  const names = Array.from({ length: 9 }, (_, index) => `etc/n${String(index)}`);
  const links = names.map((name) => ({ name, type: "link" as const, linkname: "etc/big" }));
  const file = await archive([...host, { name: "etc/big", content: "x".repeat(9000) }, ...links]);
  const limits = { bytes: 50_000, entries: 100 };
  await expect(archivedTrees(file, limits)).rejects.toMatchObject({ code: "NEXUS_SOURCE_TOO_BIG" });
  expect(await unpacked()).toEqual([]);
});

it("more than there is room for is refused before it is written", async () => {
  const file = await archive([...host, { name: "var/a", content: "x".repeat(100_000) }]);
  const limits = { bytes: 50_000, entries: 10 };
  await expect(archivedTrees(file, limits)).rejects.toMatchObject({ code: "NEXUS_SOURCE_TOO_BIG" });
  await expect(archivedTrees(file, { bytes: 1e9, entries: 1 })).rejects.toMatchObject({
    code: "NEXUS_SOURCE_TOO_BIG",
  });
  expect(await unpacked()).toEqual([]);
});

it("what is no archive, and no archive of a host, is refused in words", async () => {
  const file = join(folder, "notes.txt");
  await writeFile(file, "these are notes".repeat(100));
  await expect(archivedTrees(file)).rejects.toThrow("it is not a tar, or a damaged one");
  await writeFile(file, "");
  await expect(archivedTrees(file)).rejects.toMatchObject({ code: "NEXUS_ARCHIVE_BROKEN" });
  await expect(archivedTrees(join(folder, "none"))).rejects.toThrow("there is no such file");
  const other = await archive([{ name: "readme.md", content: "r" }]);
  await expect(archivedTrees(other)).rejects.toMatchObject({
    code: "NEXUS_SOURCE_NOT_FOUND",
    message: expect.stringContaining(other),
  });
  expect(await unpacked()).toEqual([]);
});

it.each(["SIGINT", "SIGTERM"] as const)("%s leaves nothing unpacked behind", async (signal) => {
  const file = await archive(host);
  const module = fileURLToPath(new URL("../../../src/migrate/source/archive.ts", import.meta.url));
  const program = `const { archivedTrees } = await import(${JSON.stringify(module)});
    await archivedTrees(${JSON.stringify(file)});
    process.stdout.write("open", () => process.kill(process.pid, "${signal}"));
    setInterval(() => {}, 1000);`;
  const args = ["--input-type=module", "-e", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  expect(await text(child.stdout)).toBe("open");
  expect(await unpacked()).toEqual([]);
});

const word = fc.constantFrom("a", "b", "..", "/", "etc", ".", "", "var");
const name = fc.array(word, { maxLength: 4 }).map((parts) => parts.join("/") || "x");
const anEntry = fc.record({
  name,
  type: fc.constantFrom("file" as const, "directory" as const, "symlink" as const, "link" as const),
  linkname: name,
});

it("whatever an archive holds, nothing is written outside of its folder", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anEntry, { maxLength: 8 }), async (entries) => {
      const file = await archive([...host, ...entries]);
      const trees = await archivedTrees(file);
      expect((await readdir(folder)).toSorted()).toEqual(["ai1.tar.gz", "tmp"]);
      for (const tree of trees) {
        await tree.measure("/");
        await tree[Symbol.asyncDispose]();
      }
      expect(await unpacked()).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
