/** Processes that migrate or take back, and end at any change. */
import { applyMigration } from "../../../src/migrate/applying/apply-migration.ts";
import { NoMigrationError } from "../../../src/migrate/applying/errors.ts";
import type { MigrationReport } from "../../../src/migrate/applying/events.ts";
import { rollBackMigration } from "../../../src/migrate/applying/roll-back.ts";
import { Fate } from "./mortal.ts";
import { type Move, planOf } from "./old-installation.ts";

/** Lives of processes that end one change later each, side by side, until one lives to its end; how many that took. */
export async function everyFate(live: (fate: Fate, at: number) => Promise<void>): Promise<number> {
  const together = 12;
  for (let first = 1; ; first += together) {
    const fates = Array.from({ length: together }, (_, index) => new Fate(first + index));
    await Promise.all(fates.map((fate, index) => live(fate, first + index)));
    if (fates.some(({ struck }) => !struck)) return first;
  }
}

/** Migrates. */
export function migrate(move: Move, fate?: Fate): Promise<MigrationReport> {
  const request = { plan: planOf(move), source: ["ai2"], stopLegacy: true };
  return applyMigration(request, move.options(fate));
}

/** Takes the migration back. */
export async function rollBack(move: Move, fate?: Fate): Promise<void> {
  await rollBackMigration(move.directory, { ...move.options(fate), consent: async () => true });
}

/** Only the end of the process may end it. */
export async function untilStruck(fate: Fate, life: Promise<unknown>): Promise<void> {
  await life.catch((error: unknown) => {
    if (!fate.struck) throw error;
  });
}

/** Where nothing was begun, or everything is taken back, there is nothing to take back. */
export async function unlessNone(life: Promise<unknown>): Promise<void> {
  await life.catch((error: unknown) => {
    if (!(error instanceof NoMigrationError)) throw error;
  });
}

/** Whatever was made, without what differs from run to run. */
export function outcome(move: Move) {
  const files = Object.entries(move.files());
  return {
    files: files.map(([path, content]) =>
      /journal|plan\.json|lock/.test(path) ? path : `${path} ${content}`,
    ),
    engine: move.engine.objects,
    keys: move.engine.keys.map(({ name }) => name),
    users: move.engine.users.map(({ name }) => name),
    stopped: [...move.tree.stopped],
  };
}

/** The folder and the engine, bit for bit. */
export function everything(move: Move) {
  return { files: move.files(), engine: move.engine.objects, stopped: [...move.tree.stopped] };
}
