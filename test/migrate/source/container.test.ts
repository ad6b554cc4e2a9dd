/** What a container keeps is looked at without copying all of it: a volume can be larger than this machine's disk. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { Containers, TakenFile, TakenLink } from "../../../src/engine/engine.ts";
import { containerTree } from "../../../src/migrate/source/container.ts";
import { copyToLook } from "../../../src/migrate/source/copy-to-look.ts";
import { contentChecksum } from "../../../src/migrate/source/databases.ts";
import { VolumeTooBigError } from "../../../src/migrate/source/errors.ts";
import { folderOf } from "../../stack/folder.ts";
import { writeMemory } from "../../support/ai-infra/databases.ts";

const mebibyte = 1024 * 1024;
const picture = Buffer.alloc(3 * mebibyte, "picture");

type Files = Record<string, Buffer>;

/** A volume at /data that remembers what was asked for. */
function volume(files: Files) {
  const asked: string[] = [];
  const containers: Pick<Containers, "take"> = {
    async *take(_, path): AsyncGenerator<TakenFile> {
      asked.push(path);
      for (const [name, content] of Object.entries(files)) {
        const full = posix.join("/data", name);
        if (full !== path && !full.startsWith(`${path}/`)) continue;
        const chunks = Readable.from(content.length > 0 ? [content] : []);
        const taken = posix.relative(posix.dirname(path), full);
        yield { path: taken, bytes: content.length, content: chunks };
      }
    },
  };
  return { asked, engine: { containers: containers as Containers }, files };
}

async function opened(files: Files) {
  const { engine, asked } = volume(files);
  const container = { id: "old", running: false };
  const tree = await containerTree(engine, { container, folder: "/data", host: "g", at: "/kept" });
  return { tree, asked };
}

const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex");

test("big files are known by their size, and copied out of the container only when they are fetched", async () => {
  await using folder = await folderOf({});
  const { tree, asked } = await opened({ "ui/a.png": picture, "ui/b.json": Buffer.from("{}") });
  await using _ = tree;
  expect(await tree.measure("/kept/ui")).toEqual({ files: 2, bytes: picture.length + 2 });
  expect(await tree.read("/kept/ui/b.json")).toEqual({ kind: "file", bytes: Buffer.from("{}") });
  expect(asked).toEqual(["/data"]);
  const to = join(folder.path, "ui");
  await tree.fetch("/kept/ui", to);
  expect(asked).toEqual(["/data", "/data/ui"]);
  expect(digest(await readFile(join(to, "a.png")))).toBe(digest(picture));
  expect(await readFile(join(to, "b.json"), "utf8")).toBe("{}");
  await tree.fetch("/kept/ui/a.png", join(folder.path, "one.png"));
  expect(digest(await readFile(join(folder.path, "one.png")))).toBe(digest(picture));
  expect(await tree.read("/kept/ui/a.png")).toMatchObject({ kind: "file", bytes: picture });
});

test("a big database is copied to look at it, with its log", async () => {
  await using folder = await folderOf({});
  await mkdir(join(folder.path, "data"));
  const writer = writeMemory(join(folder.path, "data"));
  const files: Files = { "ui/a.png": picture };
  for (const name of ["memory.sqlite", "memory.sqlite-wal"])
    files[name] = await readFile(join(folder.path, "data", name));
  const before = await contentChecksum(join(folder.path, "data/memory.sqlite"), "memory_v2");
  writer.close();
  const { tree } = await opened(files);
  await using _ = tree;
  const to = join(folder.path, "all");
  await tree.fetch("/kept", to);
  expect(await readdir(to)).toEqual(["memory.sqlite", "ui"]);
  expect(await contentChecksum(join(to, "memory.sqlite"), "memory_v2")).toBe(before);
});

test("a file that has gone since it was looked at is missed, and not passed over", async () => {
  await using folder = await folderOf({});
  const files: Files = { "ui/a.png": picture };
  const { tree } = await opened(files);
  await using _ = tree;
  delete files["ui/a.png"];
  await expect(tree.fetch("/kept/ui", join(folder.path, "ui"))).rejects.toThrow(
    "/kept/ui/a.png of g could not be read: it has gone away.",
  );
});

test("a symbolic link is told with where it leads, and nothing of it is taken", async () => {
  const containers: Pick<Containers, "take"> = {
    async *take(): AsyncGenerator<TakenFile | TakenLink> {
      yield { path: "data/memory.sqlite", link: "/mnt/big/memory.sqlite" };
      yield { path: "data/a.json", bytes: 2, content: Readable.from([Buffer.from("{}")]) };
    },
  };
  const container = { id: "old", running: false };
  const source = { container, folder: "/data", host: "g", at: "/kept" };
  await using tree = await containerTree({ containers: containers as Containers }, source);
  expect(await tree.measure("/kept")).toEqual({ files: 1, bytes: 2 });
  expect(tree.unread()).toEqual([
    {
      at: { host: "g", file: "/kept/memory.sqlite" },
      what: "memory.sqlite",
      why: expect.stringMatching(/^It is a symbolic link to \/mnt\/big\/memory\.sqlite, /),
    },
  ]);
});

const database = (bytes: number) => Buffer.concat([Buffer.from("SQLite format 3\0")], bytes);

test("what must be copied and does not fit is told with all that it needs, and not written", async () => {
  await using folder = await folderOf({});
  const { engine } = volume({
    "a.bin": database(2 * mebibyte),
    "b.bin": database(3 * mebibyte),
    "ui/a.png": picture,
  });
  const files = engine.containers.take("old", "/data");
  const copying = copyToLook(files, { to: folder.path, from: "/data of g", room: mebibyte });
  const error = await copying.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(VolumeTooBigError);
  expect(error).toMatchObject({
    details: { folder: "/data of g", neededBytes: 5 * mebibyte, freeBytes: mebibyte },
  });
});

test("of very many small files a bounded part is copied", async () => {
  await using folder = await folderOf({});
  const one = Buffer.alloc(mebibyte, 1);
  const files = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`${index}`, one]));
  const taken = volume(files).engine.containers.take("old", "/data");
  const { held, hollow } = await copyToLook(taken, {
    to: folder.path,
    from: "",
    room: 1e9,
  });
  expect([held.size, hollow.size]).toEqual([64, 6]);
  const { blocks, size } = await stat(join(folder.path, "69"));
  expect(size).toBe(mebibyte);
  expect(blocks * 512).toBeLessThan(mebibyte);
});
