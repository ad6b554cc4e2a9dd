/** What the gateway itself says of keys, users and models. */
import { canonicalUserName } from "../../../gateway/user.ts";
import type { StepContext } from "../context.ts";
import type { Check } from "../events.ts";

/** Every old token is a key, by its digest. */
export async function checkKeys({ world, plan }: StepContext): Promise<readonly Check[]> {
  if (plan.keys.length === 0) return [];
  const there = await world.gateway(plan.choices.stack, (link) => link.call({ op: "keys.list" }));
  return plan.keys.map(({ record }) =>
    checkOf(
      `key ${record.name}`,
      there.some(({ digest }) => digest === record.digest),
      [`The gateway has the old token ${record.name}`, "The gateway does not have this old token"],
    ),
  );
}

/** Every user is listed, and disabled where they were. */
export async function checkUsers({ world, plan }: StepContext): Promise<readonly Check[]> {
  if (plan.users.length === 0) return [];
  const there = await world.gateway(plan.choices.stack, (link) => link.call({ op: "users.list" }));
  return plan.users.map(({ name, disabled }) => {
    const user = there.find((each) => each.name === canonicalUserName(name));
    return checkOf(`user ${name}`, user !== undefined && user.disabled === disabled, [
      disabled ? "The gateway has them, still disabled" : "They can log in",
      "The gateway does not have this user as they were",
    ]);
  });
}

/** Every model that the plan names is at its service, as far as the service tells. */
export async function checkModels({ world, plan }: StepContext): Promise<readonly Check[]> {
  if (plan.models.length === 0) return [];
  const status = await world.gateway(plan.choices.stack, (link) => link.call({ op: "status" }));
  return plan.models.map(({ service, model }): Check => {
    const id = `model ${model} at ${service}`;
    const found = status.services.find((each) => each.id === service);
    if (found?.state === "ready" && found.present_models.length === 0)
      return { id, outcome: "skipped", detail: `${service} does not say which models it has` };
    const has = found?.present_models.some((each) => isSame(each, model)) ?? false;
    return checkOf(id, has, ["It is there", `${service} does not have it`]);
  });
}

/** Ollama calls a model without a tag `latest`. */
function isSame(there: string, wanted: string): boolean {
  return there === wanted || there === `${wanted}:latest`;
}

function checkOf(id: string, passed: boolean, [good, bad]: readonly [string, string]): Check {
  return { id, outcome: passed ? "passed" : "failed", detail: passed ? good : bad };
}
