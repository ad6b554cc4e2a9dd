import { execFileSync, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lookInto } from "../../../src/migrate/source/databases.ts";
import { SourceNotFoundError, SourceUnreadableError } from "../../../src/migrate/source/errors.ts";
import { copiedTrees, liveTree } from "../../../src/migrate/source/local.ts";
import type { SourceTree } from "../../../src/migrate/source/tree.ts";
import { startDatabaseWriter } from "../../support/database-writer.ts";
import { footprint } from "../../support/footprint.ts";

let folder = "";
let out = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-source-"));
  out = await mkdtemp(join(tmpdir(), "nexus-out-"));
});

afterEach(async () => {
  for (const path of [folder, out]) await rm(path, { recursive: true, force: true });
});

async function put(path: string, content = path): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

async function link(path: string, target: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await symlink(target, join(folder, path));
}

async function theTree(): Promise<SourceTree> {
  const [tree, ...others] = await copiedTrees(folder);
  if (tree === undefined || others.length > 0) throw new Error("not one tree");
  return tree;
}

async function textAt(tree: SourceTree, path: string): Promise<string> {
  const file = await tree.read(path);
  return file.kind === "file" ? file.bytes.toString("utf8") : file.kind;
}

const told = (tree: SourceTree) =>
  tree.unread().map(({ at, why }) => `${at.host}:${at.file}: ${why}`);

it("a copied folder is read by the paths of its host, and nothing in it changes", async () => {
  await put("etc/hostname", "ai1.local\n");
  await put("var/lib/gateway/app/.env", "A=1");
  await put("var/lib/gateway/app/b/c", "four");
  const before = await footprint(folder);
  const tree = await theTree();
  expect([tree.host, tree.live]).toEqual(["ai1", false]);
  expect(await tree.list("/var/lib/gateway/app")).toEqual([
    { path: "/var/lib/gateway/app/.env", kind: "file", bytes: 3 },
    { path: "/var/lib/gateway/app/b", kind: "folder", bytes: 0 },
  ]);
  expect(await textAt(tree, "/var/lib/gateway/app/.env")).toBe("A=1");
  expect(await tree.measure("/var/lib/gateway")).toEqual({ files: 2, bytes: 7 });
  expect(await tree.measure("/var/lib/gateway/app/.env")).toEqual({ files: 1, bytes: 3 });
  await tree.fetch("/var/lib/gateway", join(out, "gateway"));
  await tree.fetch("/etc/hostname", join(out, "etc/hostname"));
  expect(await readFile(join(out, "gateway/app/b/c"), "utf8")).toBe("four");
  expect((await stat(join(out, "gateway/app"))).mode & 0o777).toBe(0o700);
  expect((await stat(join(out, "gateway/app/.env"))).mode & 0o777).toBe(0o600);
  expect(await footprint(folder)).toEqual(before);
  expect(tree.unread()).toEqual([]);
});

it("what is not there is absent, and no one is told of it", async () => {
  await put("etc/hostname");
  const tree = await theTree();
  expect(await tree.read("/etc/nothing")).toEqual({ kind: "absent" });
  expect(await tree.read("/etc/hostname/below")).toEqual({ kind: "absent" });
  expect(await tree.entry("/nowhere")).toBeUndefined();
  expect(await tree.list("/nowhere")).toEqual([]);
  expect(await tree.measure("/nowhere")).toEqual({ files: 0, bytes: 0 });
  expect(await tree.look("/nowhere", [])).toBeUndefined();
  expect(tree.unread()).toEqual([]);
  await expect(tree.fetch("/nowhere", join(out, "x"))).rejects.toThrow(SourceUnreadableError);
  await expect(tree.backup("/nowhere", join(out, "x"))).rejects.toThrow("it is not there");
});

it("absolute links lead below the copied folder, and no link leads out of it", async () => {
  await writeFile(join(out, "secret"), "outside");
  await put("var/lib/gateway/data/releases/1/manifest.json", "the release");
  await put("secret", "inside");
  await link(
    "var/lib/gateway/data/releases/latest.json",
    "/var/lib/gateway/data/releases/1/manifest.json",
  );
  await link("var/up", "../../../../../../secret");
  await link("var/out", join(out, "secret"));
  const tree = await theTree();
  expect(await textAt(tree, "/var/lib/gateway/data/releases/latest.json")).toBe("the release");
  expect(await textAt(tree, "/var/up")).toBe("inside");
  expect(await textAt(tree, "/../../../secret")).toBe("inside");
  expect(await textAt(tree, "/var/out")).toBe("absent");
  expect((await tree.list("/var")).map(({ path }) => path)).toEqual(["/var/lib", "/var/up"]);
  expect(told(tree)).toEqual([
    `${tree.host}:/var/out: It is a symbolic link to something that is not there.`,
  ]);
});

it("loops of links end, and are told", async () => {
  await put("var/lib/a/file", "x");
  await link("var/lib/a/again", "/var/lib");
  await link("var/lib/self", "self");
  const tree = await theTree();
  expect(await tree.measure("/var/lib")).toEqual({ files: 1, bytes: 1 });
  expect(await textAt(tree, "/var/lib/self")).toBe("unreadable");
  expect(told(tree)).toEqual([
    `${tree.host}:/var/lib/self: Its symbolic links are a loop.`,
    `${tree.host}:/var/lib/a/again: It is a symbolic link to a folder that it lies in.`,
  ]);
});

it("sockets and pipes are told and never opened", async () => {
  await put("var/run/file");
  execFileSync("sh", ["-c", 'mkfifo "$0"', join(folder, "var/run/pipe")]);
  const server = createServer().listen(join(folder, "var/run/socket"));
  const tree = await theTree();
  expect((await tree.list("/var/run")).map(({ path }) => path)).toEqual(["/var/run/file"]);
  expect(await textAt(tree, "/var/run/pipe")).toBe("unreadable");
  await tree.fetch("/var/run", join(out, "run"));
  expect(await footprint(out)).toHaveLength(2);
  expect(tree.unread()).toHaveLength(2);
  server.close();
});

it("a folder of several hosts gives a tree each, called as its folder", async () => {
  for (const host of ["ai1", "ai2"]) await put(`${host}/var/lib/x/name`, host);
  await put("notes.txt");
  const trees = await copiedTrees(folder);
  expect(trees.map(({ host }) => host)).toEqual(["ai1", "ai2"]);
  expect(await Promise.all(trees.map((tree) => textAt(tree, "/var/lib/x/name")))).toEqual([
    "ai1",
    "ai2",
  ]);
});

it("the content of the old gateway's data folder stands at that path", async () => {
  await put("users.sqlite", "");
  await put("releases/1.json", "the release");
  await link("releases/latest.json", "/var/lib/gateway/data/releases/1.json");
  const tree = await theTree();
  expect(await textAt(tree, "/var/lib/gateway/data/releases/latest.json")).toBe("the release");
  expect(await tree.entry("/var/lib/gateway/data/users.sqlite")).toMatchObject({ kind: "file" });
  expect(await tree.entry("/users.sqlite")).toBeUndefined();
  expect(await tree.list("/var/lib")).toEqual([]);
});

it("what is no copy of a host is refused with what was looked for", async () => {
  await put("readme.md");
  await expect(copiedTrees(folder)).rejects.toThrow(SourceNotFoundError);
  await expect(copiedTrees(join(folder, "none"))).rejects.toThrow("there is no such folder");
});

it("databases in a fetched folder come through their backup, and a damaged one as it is", async () => {
  await put("var/data/other-wal", "no log of anything");
  await put("var/data/damaged.db", `SQLite format 3\0${"x".repeat(200)}`);
  await using writer = await startDatabaseWriter(join(folder, "var/data/memory.sqlite"), {
    rows: 6,
  });
  const tree = await theTree();
  await tree.fetch("/var/data", join(out, "data"));
  const names = (await footprint(join(out, "data"))).map((line) => line.split(" ")[0]);
  expect(names).toEqual(["damaged.db", "memory.sqlite", "other-wal"]);
  const [copied] = await copiedTrees(await asHost(join(out, "data")));
  expect(await copied?.look("/var/memory.sqlite", [])).toEqual({
    rows: { memory: 6 },
    answers: [],
  });
  expect(writer.running()).toBe(true);
});

it("a single file that is a live database comes through its backup too, whatever it is called", async () => {
  await using writer = await startDatabaseWriter(await placeFor("var/data/cache.data"), {
    rows: 7,
  });
  const tree = await theTree();
  await tree.fetch("/var/data/cache.data", join(out, "cache.data"));
  expect((await lookInto(join(out, "cache.data"), [])).rows).toEqual({ memory: 7 });
  expect(writer.running()).toBe(true);
});

it("a sound database that somebody holds locked is refused, and never copied as it lies there", async () => {
  const file = await placeFor("var/data/held.sqlite");
  const holder = new DatabaseSync(file);
  holder.exec("CREATE TABLE memory (a); PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  const tree = await theTree();
  const refused = { code: "NEXUS_SOURCE_UNREADABLE" };
  await expect(tree.fetch("/var/data/held.sqlite", join(out, "held"))).rejects.toMatchObject(
    refused,
  );
  await expect(tree.fetch("/var/data", join(out, "data"))).rejects.toMatchObject(refused);
  holder.close();
});

async function placeFor(path: string): Promise<string> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  return join(folder, path);
}

async function asHost(data: string): Promise<string> {
  const host = await mkdtemp(join(out, "host-"));
  execFileSync("cp", ["-r", data, join(host, "var")]);
  return host;
}

it("a file that this user may not read is told with its path, and is no hole in a copy", async () => {
  await put("etc/open", "o");
  await put("etc/shut/inside", "s");
  await put("etc/own", "s");
  await chmod(join(folder, "etc/shut"), 0o700);
  await chmod(join(folder, "etc/own"), 0o600);
  await chmod(folder, 0o755);
  const said = await asNobody(`
    const [tree] = await copiedTrees(${JSON.stringify(folder)});
    const kinds = [];
    for (const path of ["/etc/open", "/etc/own", "/etc/shut/inside"]) kinds.push((await tree.read(path)).kind);
    const listed = (await tree.list("/etc/shut")).length;
    const failed = await tree.fetch("/etc", "/tmp/never-written").catch((error) => error.message);
    return { kinds, listed, unread: tree.unread().map(({ at, why }) => at.file + ": " + why), failed };
  `);
  expect(said).toEqual({
    kinds: ["file", "unreadable", "unreadable"],
    listed: 0,
    unread: ["/etc/own", "/etc/shut/inside", "/etc/shut"].map(
      (path) => `${path}: This user has no right to read it.`,
    ),
    failed: expect.stringMatching(
      /\/etc\/(own|shut) of .* could not be read: this user has no right/,
    ),
  });
});

/** Runs in a process without root's rights, which would read everything. */
async function asNobody(body: string): Promise<unknown> {
  const module = fileURLToPath(new URL("../../../src/migrate/source/local.ts", import.meta.url));
  const program = `const { copiedTrees } = await import(${JSON.stringify(module)});
    console.log(JSON.stringify(await (async () => { ${body.replaceAll("/tmp/never-written", join(out, "never"))} })()));`;
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  await chmod(out, 0o777);
  const args = ["--input-type=module", "-e", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], ...nobody });
  return JSON.parse(await text(child.stdout));
}

it("the live root is this very machine", async () => {
  const tree = liveTree();
  expect(tree.live).toBe(true);
  expect(await tree.entry("/etc")).toMatchObject({ kind: "folder" });
  await tree[Symbol.asyncDispose]();
});

const part = fc.constantFrom("a", "b", "..", ".", "", "c");
const target = fc
  .tuple(fc.boolean(), fc.array(part, { maxLength: 5 }))
  .map(([absolute, parts]) => `${absolute ? "/" : ""}${parts.join("/")}` || ".");

it("whatever links a folder holds, everything that is read lies in it, and it ends", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(target, { minLength: 1, maxLength: 4 }),
      target,
      async (targets, path) => {
        await rm(join(folder, "var"), { recursive: true, force: true });
        await put("var/a/b/c", "inside");
        for (const [index, to] of targets.entries())
          await link(`var/a/link${index}`, to).catch(() => {});
        const tree = await theTree();
        await tree.measure("/");
        for (const asked of [`/var/a/link0/${path}`, `/var/a/${path}`])
          expect(["inside", "absent", "unreadable"]).toContain(await textAt(tree, asked));
      },
    ),
    { numRuns: 60 },
  );
});
