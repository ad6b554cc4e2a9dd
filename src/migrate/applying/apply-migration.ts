/** Carries a migration out, step by step; run again after whatever ended it, it goes on where it was. */
import { InterruptedError } from "../../apply/errors.ts";
import { gatewayVolume } from "../../plan/names.ts";
import type { MigrationPlan } from "../migration-plan.ts";
import { atBoot } from "./at-boot.ts";
import type { MigrationOptions, StepContext } from "./context.ts";
import {
  InTheWayError,
  MigrationObstacleError,
  OtherMigrationError,
  RollingBackError,
} from "./errors.ts";
import type { Check, MigrationReport } from "./events.ts";
import { Journal } from "./journal.ts";
import { stopLegacy } from "./legacy.ts";
import { withMigrationLock } from "./lock.ts";
import { migrationPaths } from "./paths.ts";
import { differences, findMigration, type MigrationRecord, openRecord } from "./record.ts";
import { verifyMigration } from "./verify/verify.ts";
import { carryOutStep, isOnce, type OnceStep } from "./workers.ts";

/** What is to be migrated. */
export type MigrationRequest = Readonly<{
  plan: MigrationPlan;
  /** The flags that say where the old installation is, to know it again. */
  source: readonly string[];
  /** Stops the services of the old installation, once everything was verified. */
  stopLegacy: boolean;
}>;

/**
 * Migrates, or goes on with the migration of this folder that was begun and not finished. Throws MigrationRunningError,
 * OtherMigrationError, RollingBackError, MigrationObstacleError, InTheWayError, InterruptedError and what its steps throw;
 * checks that failed are in the report, and nothing is taken back by itself.
 */
export async function applyMigration(
  request: MigrationRequest,
  options: MigrationOptions,
): Promise<MigrationReport> {
  const { directory } = request.plan.choices;
  const paths = migrationPaths(directory);
  const { disk } = options;
  const state = await findMigration(directory, disk);
  if (state.state === "none") await refuseToBegin(request.plan, options);
  await disk.makeFolder(paths.folder, 0o700);
  return withMigrationLock(paths, () => applyLocked(request, options));
}

async function applyLocked(
  request: MigrationRequest,
  options: MigrationOptions,
): Promise<MigrationReport> {
  const paths = migrationPaths(request.plan.choices.directory);
  const journal = await openJournal(request, options);
  const plan = await planToFollow(request, options);
  const context: StepContext = { ...options, plan, paths, journal };
  const finishedBefore = journal.has("finished");
  await carryOutAll(context);
  const checks = await verify(context);
  const verified = checks.every(({ outcome }) => outcome !== "failed");
  if (verified && !journal.has("finished")) await journal.note({ state: "finished" });
  const stopped = verified && request.stopLegacy ? await stopLegacy(context) : [];
  const { stack } = plan.choices;
  const keepStopped = atBoot(plan, stopped, "never");
  return { stack, file: plan.file, finishedBefore, checks, verified, stopped, keepStopped };
}

/** Nothing is written for a migration that cannot be begun. */
async function refuseToBegin(plan: MigrationPlan, options: MigrationOptions): Promise<void> {
  const { stack } = plan.choices;
  if (plan.obstacles.length > 0) throw new MigrationObstacleError(plan.obstacles);
  const { engine } = options.world;
  const { containers, volumes, networks } = await engine.observe(stack, []);
  const [container] = containers;
  if (container) throw new InTheWayError(`The container ${container.name} of the stack ${stack}`);
  const volume = volumes.find((each) => each.stack === stack && !isLock(each.name));
  if (volume) throw new InTheWayError(`The volume ${volume.name} of the stack ${stack}`);
  if (volumes.some(({ name }) => name === gatewayVolume(stack)))
    throw new InTheWayError(`The volume ${gatewayVolume(stack)}`);
  const network = networks.find((each) => each.stack === stack);
  if (network) throw new InTheWayError(`The network ${network.name} of the stack ${stack}`);
}

function isLock(volume: string): boolean {
  return volume.startsWith("nexus-lock-");
}

/** The journal of this folder's migration, opened if this is the first run. */
async function openJournal(request: MigrationRequest, options: MigrationOptions): Promise<Journal> {
  const { disk, onEvent } = options;
  const paths = migrationPaths(request.plan.choices.directory);
  const state = await findMigration(paths.directory, disk);
  if (state.state === "none")
    return openRecord({ plan: request.plan, source: request.source }, paths, disk);
  refuseAnother(request, state);
  if (state.state === "rolling-back") throw new RollingBackError(paths.directory);
  const journal = await Journal.open(paths.journal, disk);
  const steps = state.plan.steps.filter(isOnce);
  const done = steps.filter(({ id }) => journal.done(id) !== undefined).length;
  onEvent({ kind: "resumed", plan: state.plan, done, of: steps.length });
  return journal;
}

function refuseAnother(request: MigrationRequest, first: MigrationRecord): void {
  const differs = differences(first, request);
  if (differs.length > 0) throw new OtherMigrationError(first.plan.choices.directory, differs);
}

/** A plan made now would be another one: what the first run made is in its way. */
async function planToFollow(
  { plan }: MigrationRequest,
  { disk }: MigrationOptions,
): Promise<MigrationPlan> {
  const state = await findMigration(plan.choices.directory, disk);
  return state.state === "none" ? plan : state.plan;
}

/** Everything but verifying, which is done anew by every run. */
async function carryOutAll(context: StepContext): Promise<void> {
  const { plan, journal, signal } = context;
  const steps = plan.steps.filter(isOnce);
  for (const [index, step] of steps.entries()) {
    if (journal.done(step.id) !== undefined) continue;
    if (signal.aborted) throw new InterruptedError();
    await tellOf(step, { number: index + 1, of: steps.length }, context);
  }
}

async function tellOf(
  step: OnceStep,
  where: Readonly<{ number: number; of: number }>,
  context: StepContext,
): Promise<void> {
  const { onEvent } = context;
  const since = performance.now();
  onEvent({ kind: "started", step, ...where });
  try {
    await carryOutStep(step, context, (progress) => onEvent({ kind: "progress", step, progress }));
  } catch (error) {
    onEvent({ kind: "failed", step, message: error instanceof Error ? error.message : "" });
    throw error;
  }
  onEvent({ kind: "finished", step, durationMs: performance.now() - since });
}

async function verify(context: StepContext): Promise<readonly Check[]> {
  if (!context.plan.steps.some(({ kind }) => kind === "verify")) return [];
  const checks = await verifyMigration(context);
  const failed = checks.filter(({ outcome }) => outcome === "failed").map(({ id }) => id);
  await context.journal.note({ state: "verified", passed: failed.length === 0, failed });
  return checks;
}
