/** The services of the old installation: stopped only when that was asked for, and started again. */
import type { SourceTree } from "../source/tree.ts";
import type { MigrationPlan, Step } from "../migration-plan.ts";
import { atBoot } from "./at-boot.ts";
import { type MigrationOptions, type StepContext, treeOf } from "./context.ts";
import { NoMigrationError } from "./errors.ts";
import type { StartReport } from "./events.ts";
import { Journal } from "./journal.ts";
import { withMigrationLock } from "./lock.ts";
import { migrationPaths } from "./paths.ts";
import { findMigration } from "./record.ts";

type LegacyStep = Extract<Step, { kind: "stop-legacy" }>;

/** Stops them, one after the other; resolves with the names of those that were stopped by this migration. */
export async function stopLegacy(context: StepContext): Promise<readonly string[]> {
  const { plan, journal, trees, onEvent } = context;
  for (const step of legacySteps(plan)) {
    if (isStopped(step, journal)) continue;
    onEvent({ kind: "undoing", title: step.title });
    const tree = treeOf(trees, step.host, step.unit.name);
    const ran = lastOf(step, journal) !== undefined || ((await tree.running(step.unit)) ?? true);
    await journal.note({ state: "begun", step: step.id, traces: { ran } });
    if (ran) await stopUnit(step, tree, journal);
    await journal.note({ state: "done", step: step.id, traces: { ran } });
  }
  return legacySteps(plan)
    .filter((step) => isStopped(step, journal))
    .map(({ unit }) => unit.name);
}

/** What could not be stopped is not to be started again: nobody may be able to, and taking back would fail for it. */
async function stopUnit({ id, unit }: LegacyStep, tree: SourceTree, journal: Journal) {
  try {
    await tree.switch(unit, "stopped");
  } catch (error) {
    if ((await tree.running(unit)) !== false) await journal.note({ state: "undone", step: id });
    throw error;
  }
}

/** Starts what the journal says was stopped; resolves with their names. */
export async function startStopped(
  plan: MigrationPlan,
  journal: Journal,
  trees: readonly SourceTree[],
): Promise<readonly string[]> {
  const started: string[] = [];
  for (const step of legacySteps(plan).toReversed()) {
    if (lastOf(step, journal) === undefined) continue;
    await treeOf(trees, step.host, step.unit.name).switch(step.unit, "started");
    await journal.note({ state: "undone", step: step.id });
    started.push(step.unit.name);
  }
  return started;
}

/** Starts the services of the old installation that a migration stopped. Throws NoMigrationError. */
export async function startLegacy(
  directory: string,
  { disk, trees }: Pick<MigrationOptions, "disk" | "trees">,
): Promise<StartReport> {
  const paths = migrationPaths(directory);
  const state = await findMigration(directory, disk);
  if (state.state === "none") throw new NoMigrationError(directory);
  const { plan } = state;
  const started = await withMigrationLock(paths, async () =>
    startStopped(plan, await Journal.open(paths.journal, disk), trees),
  );
  return { started, letStart: atBoot(plan, started, "again") };
}

function legacySteps({ steps }: MigrationPlan): readonly LegacyStep[] {
  return steps.filter((step) => step.kind === "stop-legacy");
}

function isStopped(step: LegacyStep, journal: Journal): boolean {
  return lastOf(step, journal)?.state === "done";
}

/** What was last done to a unit that ran: undefined when it runs as it did before the migration. */
function lastOf({ id }: LegacyStep, { lines }: Journal) {
  const last = lines.findLast((line) => "step" in line && line.step === id);
  return last?.state === "undone" || (last && "traces" in last && last.traces.ran === false)
    ? undefined
    : last;
}
