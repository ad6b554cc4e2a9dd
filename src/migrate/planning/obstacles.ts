/** What makes it impossible to carry a plan out. Pure. */
import type { MigrationPlan } from "../migration-plan.ts";
import type { Scene } from "./scene.ts";

/** Every obstacle, each a sentence with what to do about it. */
export function obstaclesOf(
  { inventory, choices, target }: Scene,
  space: MigrationPlan["space"],
): readonly string[] {
  const { files, engine } = target;
  return [
    ...(hasAnything(inventory)
      ? []
      : ["Nothing was found that could be migrated: name the host's files with --source."]),
    ...files.map(
      (path) =>
        `${path} is there already: move it away, or choose an empty folder or another name with --output.`,
    ),
    ...(engine
      ? [...engine.volumes, ...engine.containers].map(
          (name) =>
            `${name} of a stack ${choices.stack} is on the engine already: choose another name with --name.`,
        )
      : ["No engine could be asked: start it, or name it with --context."]),
    ...tooBig("the old data", space.staging, [space.freeForStaging, choices.directory]),
    ...tooBig("data and models", space.volumes, [space.freeForVolumes, "the engine's volumes"]),
  ];
}

/** A backup of the old gateway's data has no settings and no services, and is worth moving. */
function hasAnything({ gateway, services, databases, files }: Scene["inventory"]): boolean {
  return gateway !== undefined || [services, databases, files].some(({ length }) => length > 0);
}

/** The obstacle of too little room in a place, if it is known how much is free there. */
export function tooBig(
  what: string,
  bytes: number,
  [free, where]: readonly [number | undefined, string],
): readonly string[] {
  if (free === undefined || bytes <= free) return [];
  return [
    `There is no room for ${what} in ${where}: ${String(bytes)} bytes are needed and ${String(free)} are free. Make room${what === "the old data" ? "" : ", or share the models with --models share"}.`,
  ];
}
