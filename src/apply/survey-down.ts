/** The looks that `down` and `restart` start from. */
import type { Engine } from "../engine/engine.ts";
import { planDown } from "../plan/plan-down.ts";
import { planRestart } from "../plan/plan-restart.ts";
import type { Stack } from "../stack/stack.ts";
import type { Survey } from "./bring-up.ts";
import { readGatewayImage } from "./gateway-image.ts";
import { chooseNodeBase } from "./node-base.ts";
import { selectServices } from "./selection.ts";
import { signaturesOf } from "./signatures.ts";

/** Plans the removal of everything that carries the stack's label; volumes only when asked. */
export async function surveyDown(
  request: Readonly<{ engine: Engine; stack: string; volumes: boolean }>,
): Promise<Survey> {
  const { engine, stack, volumes } = request;
  const around = await look(engine, stack);
  return { ...around, plan: planDown({ stackName: stack, observed: around.observed, volumes }) };
}

/** Plans to stop and start services, and to wait for them. Throws UnknownServiceError. */
export async function surveyRestart(
  request: Readonly<{ engine: Engine; stack: Stack; services: readonly string[] }>,
): Promise<Survey> {
  const { engine, stack, services } = request;
  selectServices(
    services,
    stack.services.map(({ name }) => name),
  );
  const around = await look(engine, stack.name);
  const plan = planRestart({ stack, observed: around.observed, services });
  return { ...around, plan, signatures: signaturesOf(stack) };
}

async function look(engine: Engine, stack: string): Promise<Omit<Survey, "plan">> {
  const [description, observed] = await Promise.all([engine.describe(), engine.observe(stack, [])]);
  return {
    observed,
    description,
    gatewayImage: await readGatewayImage(chooseNodeBase(description, undefined)),
  };
}
