/** Takes a migration back: what it made goes, what it stopped runs again, and what others changed since is kept. */
import { ConsentRefusedError, InterruptedError } from "../../apply/errors.ts";
import type { ApplyReport } from "../../apply/events.ts";
import { exitCodeOf } from "../../apply/report.ts";
import { exitCodes } from "../../errors.ts";
import type { MigrationPlan, Step } from "../migration-plan.ts";
import { takeAway } from "./appended.ts";
import { atBoot } from "./at-boot.ts";
import type { MigrationOptions } from "./context.ts";
import { JournalUnreadableError, MigratedStackNotDownError, NoMigrationError } from "./errors.ts";
import type { RollbackReport } from "./events.ts";
import { type AppendedTrace, type FileTrace, Journal, type Traces } from "./journal.ts";
import { startStopped } from "./legacy.ts";
import { withMigrationLock } from "./lock.ts";
import { migrationPaths, type MigrationPaths } from "./paths.ts";
import { findMigration, type MigrationRecord } from "./record.ts";
import { newSince } from "./steps/up.ts";

/** What taking back needs besides. */
export type RollbackOptions = MigrationOptions &
  Readonly<{
    /** Asked first: what would be lost that was made since. */
    consent: (losses: readonly string[]) => Promise<boolean>;
  }>;

/**
 * Takes back the migration into a folder, finished or not; run again after whatever ended it, it goes on. Throws
 * NoMigrationError, JournalUnreadableError, MigrationRunningError, ConsentRefusedError, MigratedStackNotDownError, InterruptedError.
 */
export async function rollBackMigration(
  directory: string,
  options: RollbackOptions,
): Promise<RollbackReport> {
  const { disk } = options;
  const paths = migrationPaths(directory);
  const state = await findMigration(directory, disk);
  if (state.state === "none") return sweepLeftovers(paths, options);
  const losses = lossesOf(state.plan);
  if (state.state !== "rolling-back" && !(await options.consent(losses)))
    throw new ConsentRefusedError(losses);
  const report = await withMigrationLock(paths, () => undo(state, paths, options));
  await removeOwnFolder(paths, state.folders, options);
  return report;
}

async function undo(
  { plan }: MigrationRecord,
  paths: MigrationPaths,
  options: RollbackOptions,
): Promise<RollbackReport> {
  const { disk, trees } = options;
  const journal = await Journal.open(paths.journal, disk);
  if (!journal.has("rolling-back")) await journal.note({ state: "rolling-back" });
  const undoing = { plan, journal, paths, options };
  const started = await startStopped(plan, journal, trees);
  await takeStackDown(undoing);
  const kept = await removeWritten(undoing);
  await disk.remove(paths.staged);
  await disk.remove(paths.drafts);
  // From here on the migration is taken back: what is left over is swept by whoever comes next.
  await disk.remove(paths.journal);
  const letStart = atBoot(plan, started, "again");
  return { stack: plan.choices.stack, kept, started, letStart };
}

type Undoing = Readonly<{
  plan: MigrationPlan;
  journal: Journal;
  paths: MigrationPaths;
  options: RollbackOptions;
}>;

const onEngine: ReadonlySet<Step["kind"]> = new Set(["copy-models", "carry", "up"]);

/** Containers, networks and the volumes that the migration made. Throws MigratedStackNotDownError. */
async function takeStackDown({ plan, journal, options }: Undoing): Promise<void> {
  const { world, onEvent, signal } = options;
  const engineSteps = plan.steps.filter(({ kind }) => onEngine.has(kind));
  if (engineSteps.every(({ id }) => journal.begun(id) === undefined)) return;
  if (signal.aborted) throw new InterruptedError();
  const { stack } = plan.choices;
  onEvent({ kind: "undoing", title: `take the stack ${stack} down` });
  const up = engineSteps.find(({ kind }) => kind === "up");
  const made = up && journal.done(up.id)?.volumes;
  refuseUnlessDown(stack, await world.takeDown(stack, made ?? "all"));
}

function refuseUnlessDown(stack: string, report: ApplyReport): void {
  if (report.interrupted) throw new InterruptedError();
  if (exitCodeOf(report) !== exitCodes.ok) throw new MigratedStackNotDownError(stack);
}

/** Files that the steps wrote, the last ones first; resolves with what was kept, in sentences. */
async function removeWritten(undoing: Undoing): Promise<readonly string[]> {
  const { plan, journal, options } = undoing;
  const kept: string[] = [];
  for (const step of plan.steps.toReversed()) {
    const traces = await tracesOf(step, undoing);
    if (traces === undefined) continue;
    for (const file of traces.files ?? []) kept.push(...(await removeFile(file, options)));
    if (traces.appended) kept.push(...(await takeTextAway(traces.appended, options)));
    for (const folder of (traces.folders ?? []).toReversed())
      await options.disk.removeEmpty(folder);
    if (!isUndone(step, journal)) await journal.note({ state: "undone", step: step.id });
  }
  return kept;
}

function isUndone(step: Step, journal: Journal): boolean {
  return journal.lines.some((line) => line.state === "undone" && line.step === step.id);
}

const written: ReadonlySet<Step["kind"]> = new Set([
  "ignore-secrets",
  "write-file",
  "write-secret",
  "place-file",
]);

/** What a step wrote beside the stack file; undefined when it was never begun, or writes nothing there. */
async function tracesOf(step: Step, undoing: Undoing): Promise<Traces | undefined> {
  const { journal, paths, options } = undoing;
  const begun = journal.begun(step.id);
  if (begun === undefined) return undefined;
  if (written.has(step.kind)) return begun;
  if (step.kind !== "up") return undefined;
  return journal.done(step.id) ?? newSince(begun, { disk: options.disk, paths });
}

/** A file that somebody changed is theirs. */
async function removeFile(
  { path, sha256 }: FileTrace,
  { disk, onEvent }: RollbackOptions,
): Promise<readonly string[]> {
  const digest = await disk.digest(path);
  if (digest === undefined) return [];
  if (digest === sha256) {
    await disk.remove(path);
    return [];
  }
  return keep(path, onEvent);
}

async function takeTextAway(
  trace: AppendedTrace,
  { disk, onEvent }: RollbackOptions,
): Promise<readonly string[]> {
  return (await takeAway(trace, disk)) ? [] : keep(trace.path, onEvent);
}

function keep(path: string, onEvent: RollbackOptions["onEvent"]): readonly string[] {
  const detail = `${path} was changed since and is kept`;
  onEvent({ kind: "kept", detail });
  return [detail];
}

/** What an earlier run left behind that took the migration back, or that never began one. Throws NoMigrationError, JournalUnreadableError. */
async function sweepLeftovers(
  paths: MigrationPaths,
  options: RollbackOptions,
): Promise<RollbackReport> {
  const { disk } = options;
  if (!(await disk.exists(paths.folder))) {
    // An empty folder of ours is all that taking back can have left, and nobody's loss.
    if (await isOthers(paths.nexus, options)) throw new NoMigrationError(paths.directory);
    await disk.removeEmpty(paths.nexus);
    return { stack: "", kept: [], started: [], letStart: [] };
  }
  await withMigrationLock(paths, async () => undefined);
  // Taking back removes the backup before the journal: where there still is one, the journal was lost.
  if (await disk.exists(paths.staged)) throw new JournalUnreadableError(paths.journal, 1);
  const bytes = await disk.read(paths.plan);
  const record = bytes && (JSON.parse(bytes.toString("utf8")) as MigrationRecord);
  await removeOwnFolder(paths, record?.folders ?? [], options);
  return { stack: record?.plan.choices.stack ?? "", kept: [], started: [], letStart: [] };
}

async function isOthers(folder: string, { disk }: RollbackOptions): Promise<boolean> {
  return !(await disk.exists(folder)) || (await disk.below(folder)).length > 0;
}

/** The plan goes last: it says which folders were not there. */
async function removeOwnFolder(
  paths: MigrationPaths,
  folders: readonly string[],
  { disk }: RollbackOptions,
): Promise<void> {
  await disk.remove(paths.lock);
  await disk.remove(paths.plan);
  for (const { path } of await disk.below(paths.folder))
    await disk.remove(`${paths.folder}/${path}`);
  await disk.removeEmpty(paths.folder);
  await disk.removeEmpty(paths.nexus);
  for (const folder of folders.toReversed()) await disk.removeEmpty(folder);
}

function lossesOf({ choices, steps }: MigrationPlan): readonly string[] {
  const hasStack = steps.some(({ kind }) => kind === "up");
  return hasStack
    ? [
        `the stack ${choices.stack} with everything that was made in it since: keys, users, models, answers that were kept`,
      ]
    : ["what the migration wrote"];
}
