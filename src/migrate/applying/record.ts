/** What is written before anything else: the plan, and what was asked for, so that another run goes on with both. */
import { createHash } from "node:crypto";
import type { Choices, MigrationPlan } from "../migration-plan.ts";
import type { Disk } from "./disk.ts";
import { JournalUnreadableError } from "./errors.ts";
import { Journal } from "./journal.ts";
import { migrationPaths, type MigrationPaths } from "./paths.ts";

/** The content of `plan.json`. */
export type MigrationRecord = Readonly<{
  plan: MigrationPlan;
  /** The flags that say where the old installation is. */
  source: readonly string[];
  /** Folders that were not there, outermost first. */
  folders: readonly string[];
}>;

/** A migration as it stands in a folder. */
export type MigrationState = Readonly<
  { state: "none" } | ({ state: "unfinished" | "finished" | "rolling-back" } & MigrationRecord)
>;

/** What became of migrating into a folder so far; changes nothing. Throws JournalUnreadableError. */
export async function findMigration(directory: string, disk: Disk): Promise<MigrationState> {
  const paths = migrationPaths(directory);
  const journal = await Journal.look(paths.journal, disk);
  if (!journal.has("opened")) return { state: "none" };
  const record = await readRecord(paths, journal, disk);
  if (journal.has("rolling-back")) return { state: "rolling-back", ...record };
  return { state: journal.has("finished") ? "finished" : "unfinished", ...record };
}

/** The record that the journal was opened with. Throws JournalUnreadableError when it is another one, or gone. */
export async function readRecord(
  { plan }: MigrationPaths,
  journal: Journal,
  disk: Disk,
): Promise<MigrationRecord> {
  const bytes = await disk.read(plan);
  const opened = journal.lines.find((line) => line.state === "opened");
  if (bytes === undefined || digestOf(bytes) !== opened?.plan)
    throw new JournalUnreadableError(plan, 1);
  return JSON.parse(bytes.toString("utf8")) as MigrationRecord;
}

/** Writes the record and opens the journal. */
export async function openRecord(
  record: Omit<MigrationRecord, "folders">,
  paths: MigrationPaths,
  disk: Disk,
): Promise<Journal> {
  const earlier = await disk.read(paths.plan);
  const folders = earlier ? foldersIn(earlier) : await disk.missingFolders(paths.nexus);
  await disk.makeFolder(paths.folder, 0o700);
  const text = `${JSON.stringify({ ...record, folders }, undefined, 1)}\n`;
  await disk.write(paths.plan, text, 0o600);
  const journal = await Journal.open(paths.journal, disk);
  const { stack } = record.plan.choices;
  await journal.note({ state: "opened", plan: digestOf(Buffer.from(text)), stack });
  return journal;
}

/** What was asked for that differs from the first time; empty when it is the same migration. */
export function differences(
  first: Omit<MigrationRecord, "folders">,
  now: Omit<MigrationRecord, "folders">,
): readonly string[] {
  const source = JSON.stringify(first.source) === JSON.stringify(now.source) ? [] : ["the source"];
  const kind = first.plan.kind === now.plan.kind ? [] : ["--from"];
  const names = Object.keys(flags) as (keyof Choices)[];
  const differing = names.filter(
    (name) => JSON.stringify(first.plan.choices[name]) !== JSON.stringify(now.plan.choices[name]),
  );
  return [...kind, ...source, ...differing.map((name) => flags[name])];
}

const flags: Readonly<Record<keyof Choices, string>> = {
  stack: "--name",
  directory: "the folder",
  output: "--output",
  here: "--here",
  models: "--models",
  gatewayPort: "--gateway-port",
};

/** Of a run that was ended before it could open the journal. */
function foldersIn(bytes: Buffer): readonly string[] {
  try {
    return (JSON.parse(bytes.toString("utf8")) as MigrationRecord).folders;
  } catch {
    return [];
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
