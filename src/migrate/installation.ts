/** From flags to the plan of a migration: opens the old hosts, takes stock of them, looks at the target, and plans. Writes nothing. */
import { basename, dirname, resolve } from "node:path";
import { readCatalog } from "../catalog/catalog.ts";
import type { Machine } from "../catalog/machine.ts";
import type { Engine } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { takeInventory } from "./ai-infra/take-inventory.ts";
import type { Inventory } from "./inventory.ts";
import type { Choices, MigrationPlan } from "./migration-plan.ts";
import { observeTarget } from "./planning/observe-target.ts";
import { planMigration } from "./planning/plan-migration.ts";
import type { SourceTree } from "./source/tree.ts";

/** What the user said. */
export type InstallationWish = Readonly<{
  here: readonly string[];
  models?: Choices["models"] | undefined;
  gatewayPort?: number | undefined;
  name?: string | undefined;
  /** Path of the stack file. */
  output?: string | undefined;
}>;

/** An old installation with what becomes of it. */
export type Installation = Readonly<{ inventory: Inventory; plan: MigrationPlan }>;

/** A host was named that the old installation has not. */
export class UnknownHostError extends NexusError {
  readonly code = "NEXUS_UNKNOWN_HOST";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<{ host: string; known: readonly string[] }>;

  constructor(host: string, known: readonly string[]) {
    super(`The old installation has no host ${host}.`);
    this.remedy = `Give one of its hosts with \`--here\`: ${known.join(", ")}.`;
    this.details = { host, known };
  }
}

/** A stack cannot have this name. */
export class InvalidStackNameError extends NexusError {
  readonly code = "NEXUS_INVALID_STACK_NAME";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Give it up to 40 lower-case letters, digits, - and _, such as `--name home`.";

  constructor(name: string) {
    super(`\`${name}\` is no name for a stack.`);
  }
}

/** Takes stock and plans. Throws UnknownHostError, InvalidStackNameError. */
export async function prepareInstallation(
  trees: readonly SourceTree[],
  wish: InstallationWish,
  around: Readonly<{ engine?: Engine; machine?: Machine }>,
): Promise<Installation> {
  const [inventory, catalog] = await Promise.all([takeInventory(trees), readCatalog()]);
  const choices = choicesOf(wish, inventory);
  const target = await observeTarget(inventory, choices, { ...around, catalog });
  return { inventory, plan: planMigration(inventory, choices, target, catalog) };
}

function choicesOf(wish: InstallationWish, inventory: Inventory): Choices {
  const file = resolve(wish.output ?? "nexus.yaml");
  const directory = dirname(file);
  const { gatewayPort } = wish;
  return {
    stack: stackName(wish.name, directory),
    directory,
    output: basename(file),
    here: hereOf(wish.here, inventory),
    models: wish.models ?? "copy",
    ...(gatewayPort !== undefined && { gatewayPort }),
  };
}

function stackName(given: string | undefined, directory: string): string {
  if (given !== undefined) {
    if (!/^[a-z0-9][a-z0-9_-]{0,39}$/.test(given)) throw new InvalidStackNameError(given);
    return given;
  }
  const folder = basename(directory).toLowerCase();
  const plain = folder.replaceAll(/[^a-z0-9_-]+/g, "-").replace(/^[^a-z0-9]+/, "");
  return plain === "" ? "home" : plain.slice(0, 40);
}

/** Those named; else this machine, else the only host, else that of the old gateway. */
function hereOf(named: readonly string[], { hosts, gateway }: Inventory): readonly string[] {
  const known = hosts.map(({ name }) => name);
  const unknown = named.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UnknownHostError(unknown, known);
  if (named.length > 0) return named;
  const live = hosts.find((host) => host.live);
  const first = live?.name ?? (known.length === 1 ? known[0] : gateway?.host);
  return first === undefined ? [] : [first];
}
