/** What the gateway itself says of keys, users and models. */
import { listStackModels, type ServiceModel } from "../../../apply/model-stores.ts";
import { canonicalUserName } from "../../../gateway/user.ts";
import { sizeText } from "./size-text.ts";
import type { ProbeReport } from "../../../gateway/protocol.ts";
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

/** Every model that the plan names is at its service, as far as the service tells; with its size, where that is known. */
export async function checkModels({ world, plan }: StepContext): Promise<readonly Check[]> {
  if (plan.models.length === 0) return [];
  const stack = await world.load(plan.file);
  const { engine } = world;
  const { there, status } = await world.gateway(stack.name, async (link) => ({
    there: await listStackModels({ engine, link, stack }),
    status: await link.call({ op: "status" }),
  }));
  return plan.models.map((wanted): Check => {
    const { service, model, bytes } = wanted;
    const id = `model ${model} at ${service}`;
    const own = there.filter((each) => isAt(each, service) && each.present === true);
    const found = own.find((each) => isSame(each.model, model));
    if (found)
      return { id, outcome: "passed", detail: `It is there${sizesText(found.sizeBytes, bytes)}` };
    const state = status.services.find((each) => each.id === service)?.state;
    const excuse = excuseOf(wanted, { state, listed: own.length });
    return excuse === undefined
      ? {
          id,
          outcome: "failed",
          detail: `${service} does not have it`,
          remedy: `Fetch it with \`nexus models pull ${model} --service ${service}\`, then run the same \`nexus migrate\` again.`,
        }
      : { id, outcome: "skipped", detail: excuse };
  });
}

/** Why a model cannot be seen that may well be there. */
function excuseOf(
  { service, how }: StepContext["plan"]["models"][number],
  { state, listed }: Readonly<{ state: ProbeReport["state"] | undefined; listed: number }>,
): string | undefined {
  if (state === "ready" && listed === 0) return `${service} does not say which models it has`;
  return how === "stays" && state !== "ready"
    ? `${service} stays where it is, and does not answer now`
    : undefined;
}

/** A model that lies in a volume of several services is listed once, at the first of them. */
function isAt(model: ServiceModel, service: string): boolean {
  return model.service === service || (model.alsoIn ?? []).includes(service);
}

function sizesText(there: number | undefined, before: number | undefined): string {
  if (there === undefined) return "";
  const was = before === undefined || before === there ? "" : `, before ${sizeText(before)}`;
  return `: ${sizeText(there)}${was}`;
}

/** Ollama calls a model without a tag `latest`. */
function isSame(there: string, wanted: string): boolean {
  return there === wanted || there === `${wanted}:latest`;
}

/** Nobody takes keys and users away by accident. */
const remedy =
  "If it was removed or changed since, that is fine; else take the migration back with `nexus migrate --rollback` and migrate again.";

function checkOf(id: string, passed: boolean, [good, bad]: readonly [string, string]): Check {
  return passed
    ? { id, outcome: "passed", detail: good }
    : { id, outcome: "failed", detail: bad, remedy };
}
