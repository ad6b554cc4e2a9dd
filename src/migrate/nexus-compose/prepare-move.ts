/** From a project that was read to the plan of moving it: opens what its gateway kept and takes stock of it. Writes nothing. */
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readCatalog } from "../../catalog/catalog.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Migration } from "../compose/migration.ts";
import type { Inventory } from "../inventory.ts";
import type { MigrationPlan } from "../migration-plan.ts";
import type { SourceTree } from "../source/tree.ts";
import type { Ancestor } from "./ancestor.ts";
import { freeAt } from "../planning/observe-target.ts";
import { planMove } from "./plan-move.ts";
import { openAncestor } from "./sources.ts";
import { takeAncestorInventory } from "./take-inventory.ts";

/** A move, and the trees that it reads from; whoever has it closes them. */
export type Move = Readonly<{
  inventory: Inventory;
  plan: MigrationPlan;
  trees: readonly SourceTree[];
}>;

/** Takes stock and plans. Without an engine only what lies in folders of this machine is found. */
export async function prepareMove(
  migration: Migration,
  ancestor: Ancestor,
  engine: Pick<Engine, "containers"> | undefined,
): Promise<Move> {
  const { file, text, conversion, inventory: there, gateway: container, unreadable } = migration;
  const directory = dirname(file);
  const { secretFiles } = conversion;
  const { data, config } = ancestor;
  const trees = await openAncestor({ directory, data, config, container, engine, secretFiles });
  const inventory = await takeAncestorInventory(ancestor, { directory, trees });
  const running = (there?.containers ?? []).filter((each) => each.running);
  const parts = {
    conversion,
    file,
    text,
    unreadable,
    freeBytes: await freeAt(directory),
    running: running.map(({ name }) => name),
    inTheWay: await whatExists([file, ...secretFiles.map(({ path }) => join(directory, path))]),
  };
  return { inventory, plan: planMove(inventory, parts, await readCatalog()), trees };
}

async function whatExists(paths: readonly string[]): Promise<readonly string[]> {
  const found = paths.map(async (path) =>
    (await stat(path).catch(() => undefined)) ? [path] : [],
  );
  return (await Promise.all(found)).flat();
}
