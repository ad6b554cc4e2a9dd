/** Copies files of this machine into private ones, databases through their own backup. */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { backupDatabase } from "./databases.ts";
import { DatabaseRefusal, isDatabase } from "./open-database.ts";
import { writeWhole } from "./write-whole.ts";

/** Streams into a private file. */
export async function saveStream(stream: AsyncIterable<unknown>, to: string): Promise<void> {
  await writeWhole(to, async (part) => {
    await pipeline(stream, createWriteStream(part, { flags: "r+" }));
  });
}

async function copyFileTo(from: string, to: string): Promise<void> {
  await saveStream(createReadStream(from), to);
}

/**
 * Copies one file; a SQLite database through its own backup, and then without the files beside it, which are in the
 * backup. A damaged one is copied as it is. `databases` remembers between the files of a folder. Throws DatabaseRefusal
 * for a sound one that cannot be backed up, such as one that is locked: its bytes could be of two moments.
 */
export async function copyDatabaseOrFile(
  from: string,
  to: string,
  databases: Set<string>,
): Promise<void> {
  const [, main] = /^(.*)-(?:wal|shm|journal)$/s.exec(from) ?? [];
  if (main !== undefined && databases.has(main)) return;
  if ((await isDatabase(from)) && (await backedUp(from, to))) databases.add(from);
  else await copyFileTo(from, to);
}

async function backedUp(from: string, to: string): Promise<boolean> {
  return backupDatabase(from, to).then(() => true, falseIfDamaged);
}

/** What a database that could not be backed up is worth: false for a damaged one. Throws what is no damage. */
export function falseIfDamaged(error: unknown): false {
  if (error instanceof DatabaseRefusal && error.damaged) return false;
  throw error;
}
