/** Whether everything arrived: looked at where it is used, not where it was put. */
import { NexusError } from "../../../errors.ts";
import type { StepContext } from "../context.ts";
import type { Check } from "../events.ts";
import { checkApi } from "./api-checks.ts";
import { checkCarried } from "./carried-checks.ts";
import { checkKeys, checkModels, checkUsers } from "./gateway-checks.ts";

type CheckGroup = (context: StepContext) => Promise<readonly Check[]>;

const groups: Readonly<Record<string, CheckGroup>> = {
  carried: checkCarried,
  keys: checkKeys,
  users: checkUsers,
  models: checkModels,
  api: checkApi,
};

/** Makes every check that the plan gives reason for; one that cannot be made has failed, and keeps no other from being made. */
export async function verifyMigration(context: StepContext): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const [name, group] of Object.entries(groups)) {
    for (const check of await unlessRefused(name, group, context)) {
      context.onEvent({ kind: "checked", check });
      checks.push(check);
    }
  }
  return checks;
}

async function unlessRefused(
  id: string,
  group: CheckGroup,
  context: StepContext,
): Promise<readonly Check[]> {
  try {
    return await group(context);
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    return [
      {
        id,
        outcome: "failed",
        detail: `Nobody could look: ${error.message}`,
        remedy: error.remedy,
      },
    ];
  }
}
