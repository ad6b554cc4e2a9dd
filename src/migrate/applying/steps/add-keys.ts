/** The tokens of the old installation become keys: by their digests, so that clients notice nothing. */
import type { ListedKey } from "../../../gateway/protocol.ts";
import type { PlannedKey } from "../../migration-plan.ts";
import type { StepWorker } from "../context.ts";
import { KeyConflictError } from "../errors.ts";

/** Adds the keys that the gateway does not have yet. Throws KeyConflictError, before any is added. */
export const addKeysStep: StepWorker<"add-keys"> = {
  begin: async ({ keys }) => ({ names: keys.map(({ record }) => record.name) }),
  carryOut: async ({ keys }, { world, plan }, { begun, tell }) => {
    await world.gateway(plan.choices.stack, async (link) => {
      const there = await link.call({ op: "keys.list" });
      for (const { record } of missingKeys(keys, there)) {
        tell({ subject: record.name });
        const created_at = new Date().toISOString();
        await link.call({ op: "keys.add", key: { ...record, created_at } });
      }
    });
    return begun;
  },
};

/** The planned keys that are not there. Throws KeyConflictError. */
export function missingKeys(
  keys: readonly PlannedKey[],
  there: readonly Pick<ListedKey, "name" | "digest">[],
): readonly PlannedKey[] {
  return keys.filter(({ record: { name, digest } }) => {
    const same = there.find((key) => key.name === name || key.digest === digest);
    if (same === undefined) return true;
    if (same.name !== name || same.digest !== digest) throw new KeyConflictError(name, same.name);
    return false;
  });
}
