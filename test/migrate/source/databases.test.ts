import { mkdtemp, open, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  backupDatabase,
  contentChecksum,
  isDatabase,
  lookInto,
} from "../../../src/migrate/source/databases.ts";
import { startDatabaseWriter, writeDatabase } from "../../support/database-writer.ts";
import { footprint } from "../../support/footprint.ts";

let folder = "";
let out = "";
const count = ["SELECT count(*) AS n FROM memory"];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-source-"));
  out = await mkdtemp(join(tmpdir(), "nexus-out-"));
});

afterEach(async () => {
  for (const path of [folder, out]) await rm(path, { recursive: true, force: true });
});

/** Looks and backs up, and says that the source is as it was. */
async function lookTwice(file: string): Promise<Readonly<{ rows: unknown; copied: unknown }>> {
  const before = await footprint(folder);
  const { rows, answers } = await lookInto(file, count);
  expect(answers[0]).toEqual([{ n: rows["memory"] }]);
  const copy = join(out, "copy.sqlite");
  await backupDatabase(file, copy);
  expect(await footprint(folder)).toEqual(before);
  return { rows: rows["memory"], copied: (await lookInto(copy, [])).rows["memory"] };
}

it("a database that another program holds open is read with what stands in its log, and nothing beside it changes", async () => {
  const file = join(folder, "memory.sqlite");
  await using writer = await startDatabaseWriter(file, { rows: 5 });
  expect(await lookTwice(file)).toEqual({ rows: 5, copied: 5 });
  expect((await stat(`${file}-wal`)).size).toBeGreaterThan(0);
  expect(writer.running()).toBe(true);
});

it("a database whose program died is read with its log", async () => {
  const file = join(folder, "memory.sqlite");
  const writer = await startDatabaseWriter(file, { rows: 4 });
  await writer.crash();
  expect(await lookTwice(file)).toEqual({ rows: 4, copied: 4 });
});

it("a copied database with its log but without the log's index is read with its log", async () => {
  const file = join(folder, "memory.sqlite");
  const writer = await startDatabaseWriter(file, { rows: 4 });
  await writer.crash();
  await rm(`${file}-shm`);
  expect(await lookTwice(file)).toEqual({ rows: 4, copied: 4 });
});

it("a database that was closed in order gets no log by being read", async () => {
  const file = join(folder, "memory.sqlite");
  await writeDatabase(file, 7);
  expect(await lookTwice(file)).toEqual({ rows: 7, copied: 7 });
});

it("a database with a rollback journal that must be played back is read as it was before", async () => {
  const file = join(folder, "memory.sqlite");
  const database = new DatabaseSync(file);
  database.exec("CREATE TABLE memory (text TEXT); INSERT INTO memory VALUES ('kept')");
  database.exec("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN");
  const insert = database.prepare("INSERT INTO memory VALUES (?)");
  for (let row = 0; row < 200; row += 1) insert.run("x".repeat(3000));
  const crashed = join(folder, "crashed.sqlite");
  for (const suffix of ["", "-journal"]) await copyBytes(`${file}${suffix}`, `${crashed}${suffix}`);
  database.close();
  expect(await lookTwice(crashed)).toEqual({ rows: 1, copied: 1 });
});

it("a name with every awkward character is only a name", async () => {
  const file = join(folder, "a?mode=rwc&b#c %41'\"\n.sqlite");
  await writeDatabase(join(folder, "plain.sqlite"), 2);
  await rename(join(folder, "plain.sqlite"), file);
  expect(await lookTwice(file)).toEqual({ rows: 2, copied: 2 });
});

it("a backup of a database that is being written is whole", async () => {
  const file = join(folder, "memory.sqlite");
  await using writer = await startDatabaseWriter(file, { busy: true });
  for (let time = 0; time < 5; time += 1) {
    const copy = join(out, `${time}.sqlite`);
    await backupDatabase(file, copy);
    const { rows } = await lookInto(copy, []);
    expect(rows["memory"]).toBeGreaterThanOrEqual(3);
  }
  expect(writer.running()).toBe(true);
});

it("a backup is for its owner alone, and leaves nothing beside it", async () => {
  const file = join(folder, "memory.sqlite");
  await writeDatabase(file);
  await backupDatabase(file, join(out, "staged", "memory.sqlite"));
  expect(await footprint(out)).toEqual([
    expect.stringMatching(/^staged 40700 /),
    expect.stringMatching(/^staged\/memory.sqlite 100600 /),
  ]);
});

it("an empty file is a database without tables", async () => {
  const file = join(folder, "empty.sqlite");
  await writeFile(file, "");
  const before = await footprint(folder);
  expect(await lookInto(file, count)).toEqual({ rows: {}, answers: [undefined] });
  expect(await footprint(folder)).toEqual(before);
});

it("a truncated database and a file that is none are refused in words, and left as they are", async () => {
  const cut = join(folder, "cut.sqlite");
  await writeDatabase(cut, 2000);
  await truncate(cut, 4096 * 2 + 100);
  const none = join(folder, "none.sqlite");
  await writeFile(
    none,
    "this is a text and no database at all, though it is longer than a header".repeat(3),
  );
  const before = await footprint(folder);
  await expect(lookInto(cut, [])).rejects.toThrow("the database is damaged");
  await expect(backupDatabase(cut, join(out, "x"))).rejects.toThrow("the database is damaged");
  await expect(lookInto(none, [])).rejects.toThrow("it is not a SQLite database");
  expect(await isDatabase(none)).toBe(false);
  expect(await footprint(folder)).toEqual(before);
  expect(await footprint(out)).toEqual([]);
});

it("answers keep what numbers cannot hold, and a wrong question spoils no other", async () => {
  const file = join(folder, "numbers.sqlite");
  const database = new DatabaseSync(file);
  database.exec(
    "CREATE TABLE numbers (a INTEGER, b BLOB); INSERT INTO numbers VALUES (7, x'00ff')",
  );
  database.exec("INSERT INTO numbers VALUES (9223372036854775807, NULL)");
  database.close();
  const { answers } = await lookInto(file, [
    "SELECT nothing",
    "SELECT a, b FROM numbers ORDER BY a",
  ]);
  expect(answers).toEqual([
    undefined,
    [
      { a: 7, b: new Uint8Array([0, 255]) },
      { a: "9223372036854775807", b: null },
    ],
  ]);
});

it("a database that is locked for long is told, not waited for without an end", async () => {
  const file = join(folder, "locked.sqlite");
  const database = new DatabaseSync(file);
  database.exec("CREATE TABLE memory (a)");
  database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  await expect(lookInto(file, [])).rejects.toThrow("another program holds it locked");
  database.close();
});

const value = fc.oneof(
  fc.constant(null),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.string(),
  fc.uint8Array({ maxLength: 8 }),
);
const rows = fc.array(fc.tuple(value, value), { maxLength: 12 });

async function tableOf(name: string, content: readonly (readonly unknown[])[]): Promise<string> {
  const file = join(folder, name);
  await rm(file, { force: true });
  const database = new DatabaseSync(file);
  database.exec("CREATE TABLE t (a, b)");
  const insert = database.prepare("INSERT INTO t VALUES (?, ?)");
  for (const row of content) insert.run(...(row as never[]));
  database.close();
  return contentChecksum(file, "t");
}

it("a checksum is the same in any order of rows, and another when any row is missing, doubled or changed", async () => {
  await fc.assert(
    fc.asyncProperty(rows, fc.tuple(value, value), async (content, extra) => {
      const sum = await tableOf("a.sqlite", content);
      expect(await tableOf("b.sqlite", content.toReversed())).toBe(sum);
      const more = await tableOf("c.sqlite", [...content, extra]);
      expect(more).not.toBe(sum);
      expect(await tableOf("d.sqlite", [...content, extra, extra])).not.toBe(more);
    }),
    { numRuns: 25 },
  );
});

it("a checksum tells text from numbers and bytes, and where one column ends", async () => {
  const sums = [];
  const contents = [
    ["1", "2"],
    [1, 2],
    ["12", ""],
    ["", "12"],
    [Buffer.from("1"), "2"],
    [1.5, 2],
  ];
  for (const row of contents) sums.push(await tableOf("t.sqlite", [row]));
  expect(new Set(sums).size).toBe(contents.length);
});

async function copyBytes(from: string, to: string): Promise<void> {
  // Closing a file drops this process's locks on it: the copy is made by another handle's reads, after which nothing is written.
  const source = await open(from, "r");
  await writeFile(to, await source.readFile());
  await source.close();
}
