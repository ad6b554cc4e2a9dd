/** Opens a SQLite database of somebody else so that nothing beside it changes: not its log, and not the log's index. */
import type { BigIntStats } from "node:fs";
import { copyFile, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makePrivateTemporary } from "./private-temporary.ts";
import { codeOf } from "./reason.ts";

/** Why a database could not be read: a clause, for the sentence of whoever asked. */
export class DatabaseRefusal extends Error {
  override name = "DatabaseRefusal";

  /** No program could make more of it than its bytes. */
  get damaged(): boolean {
    return this.message === "the database is damaged";
  }

  /** What SQLite says, in words for people. */
  static from(error: unknown): DatabaseRefusal {
    if (error instanceof DatabaseRefusal) return error;
    const words = error instanceof Error ? error.message : String(error);
    if (/malformed|not a database|disk image/.test(words))
      return new DatabaseRefusal("the database is damaged");
    if (/locked|busy/.test(words)) return new DatabaseRefusal("another program holds it locked");
    return new DatabaseRefusal(`SQLite says: ${words}`);
  }
}

/** An open database, and how to let go of it. */
export type Untouched = Readonly<{
  database: DatabaseSync;
  [Symbol.asyncDispose]: () => Promise<void>;
}>;

/** Waiting for a writer that holds it alone, in milliseconds. */
const patienceMs = 2000;

const magic = Buffer.from("SQLite format 3\0");

/** Whether a file begins as a SQLite database does. */
export async function isDatabase(file: string): Promise<boolean> {
  const { start } = await beginning(file);
  return beginsAsDatabase(start);
}

/** Whether the first bytes of a file, 16 or more, are those of a SQLite database. */
export function beginsAsDatabase(start: Buffer): boolean {
  return start.subarray(0, magic.length).equals(magic);
}

/**
 * How depends on what lies beside it. Throws DatabaseRefusal.
 *
 * - With a log and its index it is open somewhere, or was when its program died: SQLite can read along with
 *   `readonly_shm=1` (https://www.sqlite.org/wal.html#readonly), which takes locks and writes nothing.
 * - Without a log nothing is missing from the file itself: `immutable=1`, for otherwise SQLite would begin a log.
 * - With a log and no index, or a rollback journal that must be played back, no program has it open: a private copy.
 */
export async function openUntouched(file: string): Promise<Untouched> {
  const { start, bytes } = await beginning(file);
  if (bytes > 0 && !start.subarray(0, magic.length).equals(magic))
    throw new DatabaseRefusal("it is not a SQLite database");
  const log = await present(`${file}-wal`);
  if (log && (await present(`${file}-shm`))) return opened(file, "mode=ro&readonly_shm=1");
  if (log) return openCopy(file);
  if (await present(`${file}-journal`))
    return opened(file, "mode=ro").catch(async () => openCopy(file));
  return opened(file, start[18] === 2 || bytes === 0 ? "immutable=1" : "mode=ro");
}

/** The address of a file with parameters, as SQLite reads it (https://www.sqlite.org/uri.html). */
export function addressOf(file: string, parameters: string): string {
  return `file:${encodeURIComponent(file).replaceAll("%2F", "/")}?${parameters}`;
}

async function beginning(file: string): Promise<Readonly<{ start: Buffer; bytes: number }>> {
  const handle = await open(file, "r");
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(100), 0, 100, 0);
    return { start: buffer.subarray(0, bytesRead), bytes: (await handle.stat()).size };
  } finally {
    await handle.close();
  }
}

async function opened(file: string, parameters: string): Promise<Untouched> {
  const readOnly = !parameters.startsWith("mode=rw");
  try {
    const database = new DatabaseSync(addressOf(file, parameters), {
      readOnly,
      timeout: patienceMs,
    });
    // Opening is lazy: only the first question shows whether it can be read.
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    return { database, [Symbol.asyncDispose]: async () => database.close() };
  } catch (error) {
    throw DatabaseRefusal.from(error);
  }
}

/** A copy is of one moment when neither file changed while both were copied. */
async function openCopy(file: string): Promise<Untouched> {
  const folder = await makePrivateTemporary("nexus-database-");
  try {
    const before = await moment(file);
    for (const suffix of ["", "-wal", "-journal"])
      await copyIfThere(`${file}${suffix}`, join(folder.path, `copy${suffix}`));
    if ((await moment(file)) !== before)
      throw new DatabaseRefusal("another program changes it right now: run it again");
    const { database } = await opened(join(folder.path, "copy"), "mode=rw");
    return {
      database,
      [Symbol.asyncDispose]: async () => {
        database.close();
        await folder[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw DatabaseRefusal.from(error);
  }
}

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

async function moment(file: string): Promise<string> {
  const all = [file, `${file}-wal`, `${file}-journal`].map(async (path) => state(await look(path)));
  return (await Promise.all(all)).join();
}

const state = (stats: BigIntStats | undefined) =>
  stats === undefined ? "" : `${stats.ino}:${stats.size}:${stats.mtimeNs}`;

async function look(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

async function present(path: string): Promise<boolean> {
  return (await look(path)) !== undefined;
}
