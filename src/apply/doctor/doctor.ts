/** Examines machine, engine and stack, and says what is wrong with each and what to do. Changes nothing. */
import type { Engine, EngineDescription } from "../../engine/engine.ts";
import { NexusError } from "../../errors.ts";
import type { LoadedStack } from "../../stack/load.ts";
import { readLock } from "../lock.ts";
import { askGateway } from "../gateway-access.ts";
import { readStackStatus } from "../stack-status.ts";
import { brokenBy, type Check, type Diagnosis, doubtful, fine, skipped } from "./check.ts";
import { checkClock, checkDisk, checkEngine, checkMemory, checkNode } from "./machine.ts";
import { checkPorts } from "./ports.ts";
import {
  checkAddresses,
  checkGpus,
  checkLock,
  checkNetworks,
  checkSecrets,
  checkServices,
  checkStackFile,
  checkTags,
  limitsOf,
} from "./stack.ts";

/** How the doctor gets at what it examines; each may fail, and that is a finding. */
export type Patient = Readonly<{
  connect: () => Promise<Engine>;
  loadStack: () => Promise<LoadedStack>;
}>;

/** Examines everything that can be examined. */
export async function examine(patient: Patient): Promise<Diagnosis> {
  const [engine, stack] = await Promise.all([attempt(patient.connect), attempt(patient.loadStack)]);
  const checks = [
    checkNode(process.versions.node),
    ...(await engineChecks(engine, stack)),
    ...(await stackChecks(stack)),
    ...(await bothChecks(engine, stack)),
  ];
  return { ok: checks.every(({ verdict }) => verdict !== "fail"), checks };
}

type Attempt<Value> = Readonly<{ ok: true; value: Value } | { ok: false; error: NexusError }>;

async function attempt<Value>(work: () => Promise<Value>): Promise<Attempt<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (error instanceof NexusError) return { ok: false, error };
    throw error;
  }
}

async function engineChecks(
  engine: Attempt<Engine>,
  stack: Attempt<LoadedStack>,
): Promise<readonly Check[]> {
  if (!engine.ok) return [brokenBy("engine", engine.error)];
  const description = await attempt(() => engine.value.describe());
  if (!description.ok) return [brokenBy("engine", description.error)];
  const limits = stack.ok ? limitsOf(stack.value.stack) : 0;
  const { value } = description;
  return [
    ...checkEngine(value),
    checkClock(value),
    checkMemory(value, limits),
    await checkDisk(value),
    ...(await otherStacks(engine.value)),
  ];
}

async function otherStacks(engine: Engine): Promise<readonly Check[]> {
  const stacks = await engine.stacks();
  return [
    fine(
      "stacks",
      stacks.length === 0 ? "none on this engine" : `on this engine: ${stacks.join(", ")}`,
    ),
  ];
}

async function stackChecks(loaded: Attempt<LoadedStack>): Promise<readonly Check[]> {
  if (!loaded.ok) return [withoutStack(loaded.error)];
  const { stack, warnings } = loaded.value;
  return [...checkStackFile(stack, warnings), checkTags(stack), ...(await checkSecrets(stack))];
}

function withoutStack(error: NexusError): Check {
  return error.code === "NEXUS_STACK_NOT_FOUND"
    ? doubtful("stack", error.message, error.remedy)
    : brokenBy("stack", error);
}

async function bothChecks(
  engine: Attempt<Engine>,
  loaded: Attempt<LoadedStack>,
): Promise<readonly Check[]> {
  if (!engine.ok || !loaded.ok) return [skipped("services", "needs an engine and a stack file")];
  const description = await attempt(() => engine.value.describe());
  if (!description.ok) return [];
  const found = await attempt(() => lookTogether(engine.value, description.value, loaded.value));
  return found.ok ? found.value : [brokenBy("services", found.error)];
}

async function lookTogether(
  engine: Engine,
  description: EngineDescription,
  { stack }: LoadedStack,
): Promise<readonly Check[]> {
  const [observed, owner, status] = await Promise.all([
    engine.observe(stack.name, []),
    readLock(engine, stack.name),
    readStackStatus({ engine, name: stack.name, stack }),
  ]);
  return [
    checkGpus(stack, description),
    ...(await checkPorts(stack, observed, description)),
    checkNetworks(observed),
    ...checkAddresses(stack, description, await askGateway(engine, observed)),
    await checkLock(stack.name, owner),
    checkServices(status),
  ];
}
