/** One migration at a time in a folder. The lock is the system's own on a file: it ends with its process, however that ends. */
import { DatabaseSync } from "node:sqlite";
import { MigrationRunningError } from "./errors.ts";
import type { MigrationPaths } from "./paths.ts";

/** Does work while it has the lock; the folder must be there. Throws MigrationRunningError. */
export async function withMigrationLock<Result>(
  paths: MigrationPaths,
  work: () => Promise<Result>,
): Promise<Result> {
  const database = await acquire(paths);
  try {
    return await work();
  } finally {
    database.exec("ROLLBACK");
    database.close();
  }
}

async function acquire({ lock, folder }: MigrationPaths): Promise<DatabaseSync> {
  const database = new DatabaseSync(lock);
  try {
    // SQLite locks by fcntl(2) or LockFileEx, and an exclusive transaction that writes nothing leaves no file behind.
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) throw new MigrationRunningError(folder);
    throw error;
  }
  return database;
}

function isBusy(error: unknown): boolean {
  const busy = 5;
  return error instanceof Error && "errcode" in error && error.errcode === busy;
}
