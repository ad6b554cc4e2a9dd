/** Where a migration keeps what it needs: `.nexus/migration/` beside the stack file. */
import { join } from "node:path";

/** Absolute paths of a migration's own files. */
export type MigrationPaths = Readonly<{
  /** Folder of the stack file. */
  directory: string;
  /** Everything of Nexus beside the stack file. */
  nexus: string;
  /** All of the migration: for its owner alone. */
  folder: string;
  journal: string;
  plan: string;
  lock: string;
  /** What was fetched from the old hosts: the backup. */
  staged: string;
  /** Files on their way to where they belong. */
  drafts: string;
}>;

/** The paths of the migration of a stack folder. */
export function migrationPaths(directory: string): MigrationPaths {
  const nexus = join(directory, ".nexus");
  const folder = join(nexus, "migration");
  return {
    directory,
    nexus,
    folder,
    journal: join(folder, "journal.ndjson"),
    plan: join(folder, "plan.json"),
    lock: join(folder, "lock.sqlite"),
    staged: join(folder, "staged"),
    drafts: join(folder, "drafts"),
  };
}
