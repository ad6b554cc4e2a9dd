/** Which users are going to be able to log in, and what to do for the others. Pure. */
import type { Inventory } from "../inventory.ts";
import type { MigrationPlan } from "../migration-plan.ts";
import { sortUsers } from "../user-names.ts";
import type { Told } from "./scene.ts";

/** Sorts them by their names. */
export function planUsers({ users }: Inventory): Pick<MigrationPlan, "users"> & Told {
  const { kept, leftOut } = sortUsers(users, ({ name }) => name);
  return {
    users: kept.map(({ name, admin, disabled }) => ({ name, admin, disabled })),
    warnings: leftOut.map(({ user: { name, at }, because }) => ({
      at,
      value: `The user ${JSON.stringify(name)} cannot log in: ${because}. Give them another name: \`nexus users add NAME\`, once the stack is up. What they had is carried.`,
    })),
  };
}
