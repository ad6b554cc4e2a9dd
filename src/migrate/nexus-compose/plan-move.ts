/** Plans to move the ancestor's project with what its gateway kept, in the steps of every migration. Pure. */
import { basename, dirname } from "node:path";
import type { Catalog } from "../../catalog/catalog.ts";
import { isRecord } from "../../stack/record.ts";
import type { Conversion } from "../compose/convert.ts";
import type { SecretFile } from "../compose/environment.ts";
import type { Inventory } from "../inventory.ts";
import type { MigrationPlan, Step } from "../migration-plan.ts";
import { tooBig } from "../planning/obstacles.ts";
import { planData, planSpace } from "../planning/plan-data.ts";
import { planKeys } from "../planning/plan-keys.ts";
import { planSteps } from "../planning/plan-steps.ts";
import { treeNames } from "./sources.ts";

/** What the plan is made from. */
export type MoveParts = Readonly<{
  conversion: Conversion;
  /** Absolute path of the stack file, and what it is to say. */
  file: string;
  text: string;
  /** Containers of the project that run. */
  running: readonly string[];
  /** Files that are to be written and are there already. */
  inTheWay: readonly string[];
  /** A volume with what the old gateway kept, without a container to read it through. */
  unreadable?: string | undefined;
  /** Bytes that are free beside the stack file, if that is known. */
  freeBytes?: number | undefined;
}>;

/** Makes the plan. */
export function planMove(
  inventory: Inventory,
  { conversion, file, text, running, inTheWay, unreadable, freeBytes }: MoveParts,
  catalog: Catalog,
): MigrationPlan {
  const choices = {
    stack: conversion.name,
    directory: dirname(file),
    output: basename(file),
    here: [],
    models: "share" as const,
  };
  const { keys, refusedKeys, warnings } = planKeys(inventory);
  const data = planData(inventory);
  const space = planSpace({
    data,
    models: [],
    freeForStaging: freeBytes,
    freeForVolumes: undefined,
  });
  const scene = { inventory, choices, target: { files: [], ports: [] }, catalog };
  const steps = planSteps({ placed: [], keys, copies: [], text }, scene);
  return {
    kind: inventory.kind,
    choices,
    file,
    text,
    services: [],
    rewrites: [],
    conflicts: [],
    keys,
    refusedKeys,
    users: inventory.users.map(({ name, admin, disabled }) => ({ name, admin, disabled })),
    aliases: aliasesOf(conversion),
    aliasesLeftOut: [],
    data,
    models: [],
    space,
    decisions: [],
    notUnderstood: inventory.notUnderstood,
    warnings: [...warnings, ...inventory.warnings],
    obstacles: [
      ...(running.length > 0 ? [stillRunning(running)] : []),
      ...(unreadable === undefined ? [] : [cannotRead(unreadable)]),
      ...inTheWay.map((path) => `${path} is there already: move it away.`),
      ...tooBig("the old data", space.staging, [freeBytes, choices.directory]),
    ],
    steps: withSecrets(steps, conversion.secretFiles),
  };
}

function stillRunning(names: readonly string[]): string {
  return `${names.join(", ")} still run and hold the project's ports and data: \`docker compose stop\` stops them, with every -f that they were started with.`;
}

function cannotRead(volume: string): string {
  return `The volume ${volume} has what the old gateway kept, and no container to read it through: \`docker compose create gateway\` makes one, and need not start it.`;
}

function aliasesOf({ stack }: Conversion): MigrationPlan["aliases"] {
  const gateway = stack["gateway"];
  const aliases = isRecord(gateway) ? gateway["aliases"] : undefined;
  return Object.entries(isRecord(aliases) ? aliases : {}).map(([name, alias]) => ({
    name,
    targets: isRecord(alias) ? [String(alias["to"])] : [],
  }));
}

/** They are there before the stack comes up. */
function withSecrets(steps: readonly Step[], files: readonly SecretFile[]): readonly Step[] {
  const placed = files.map(({ path }): Step => {
    const name = path.replace(/^\.\//, "");
    return {
      id: `place ${name}`,
      title: `Keep the secrets of ${basename(name, ".env")}`,
      kind: "place-file",
      path: name,
      host: treeNames.secrets,
      file: `/${name}`,
    };
  });
  const up = steps.findIndex(({ kind }) => kind === "up");
  return [...steps.slice(0, up), ...placed, ...steps.slice(up)];
}
