/** One look at everything a plan depends on: the engine, what it has, the gateway's view, GPUs, secrets. */
import { createHmac, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Engine, EngineDescription, Gpu, GpuDevices, Observed } from "../engine/engine.ts";
import { planUp } from "../plan/plan-up.ts";
import type { ContainerService, Stack } from "../stack/stack.ts";
import type { Survey } from "./bring-up.ts";
import { SecretMissingError } from "./errors.ts";
import { askGateway } from "./gateway-access.ts";
import { ensureGatewayImage, type GatewayImage, readGatewayImage } from "./gateway-image.ts";
import { chooseNodeBase } from "./node-base.ts";

/** What `up` and `plan` start from. */
export type UpRequest = Readonly<{
  engine: Engine;
  stack: Stack;
  /** Version of Nexus, for the labels. */
  version: string;
  /** Fetch images anew even when they are there. */
  pull?: "always";
}>;

/** Looks at the world and plans how to bring it to the stack. */
export async function surveyUp(request: UpRequest): Promise<Survey> {
  const { engine, stack, version, pull } = request;
  const description = await engine.describe();
  const gatewayImage = await readGatewayImage(chooseNodeBase(description, stack.gateway.baseImage));
  const [observed, secretDigests] = await Promise.all([
    engine.observe(stack.name, [gatewayImage.ref, ...imagesOf(stack)]),
    digestSecrets(stack),
  ]);
  const [readiness, gpus] = await Promise.all([
    askGateway(engine, observed),
    findGpus({ request, description, observed, gatewayImage }),
  ]);
  const plan = planUp({
    stack,
    observed,
    engine: description,
    gpus,
    gateway: { image: gatewayImage.ref, ...(readiness ? { readiness } : {}) },
    version,
    secretDigests,
    ...(pull ? { pull } : {}),
  });
  return { plan, observed, description, gatewayImage };
}

function imagesOf({ services }: Stack): string[] {
  return services.flatMap((service) => (service.kind === "container" ? [service.image.ref] : []));
}

type GpuQuestion = Readonly<{
  request: UpRequest;
  description: EngineDescription;
  observed: Observed;
  gatewayImage: GatewayImage;
}>;

/** Asks a container what GPUs it can see, but only when a service needs one that the engine has not given it yet. */
async function findGpus({
  request,
  description,
  observed,
  gatewayImage,
}: GpuQuestion): Promise<readonly Gpu[]> {
  const { engine, stack } = request;
  const wanting = stack.services
    .filter((service) => service.kind === "container")
    .filter(({ gpus }) => gpus.kind !== "none");
  if (wanting.length === 0 || description.gpuKinds.length === 0) return [];
  const held = observed.containers.flatMap(({ gpus }) => (gpus ? idsOf(gpus) : []));
  const settled = wanting.every((service) => hasItsGpu(service, observed));
  if (settled) return [...new Set(held)].map((id) => ({ id, name: id }));
  if (!observed.images[gatewayImage.ref])
    await ensureGatewayImage(engine, gatewayImage, () => undefined);
  return engine.gpus(gatewayImage.ref);
}

function idsOf(gpus: GpuDevices): readonly string[] {
  return gpus.kind === "amd"
    ? gpus.devices.filter((path) => path.startsWith("/dev/dri/"))
    : gpus.ids;
}

function hasItsGpu({ name, gpus }: ContainerService, { containers }: Observed): boolean {
  const own = containers.filter(({ identity }) => identity?.service === name);
  return gpus.kind === "auto"
    ? own.length > 0
    : own.some((container) => container.gpus !== undefined);
}

/** A keyed hash of every secret, so that a change is seen and a label gives nothing away. */
async function digestSecrets(stack: Stack): Promise<Record<string, string>> {
  const files = stack.services.flatMap((service) =>
    service.kind === "container" ? service.secrets : [],
  );
  if (files.length === 0) return {};
  const key = await hashKey(stack.directory);
  const digest = async ({
    name,
    file,
  }: Readonly<{ name: string; file: string }>): Promise<[string, string]> => {
    const content = await readFile(file).catch(() => {
      throw new SecretMissingError(name, file);
    });
    return [name, createHmac("sha256", key).update(content).digest("hex")];
  };
  return Object.fromEntries(await Promise.all(files.map(digest)));
}

async function hashKey(directory: string): Promise<Buffer> {
  const folder = join(directory, ".nexus");
  const file = join(folder, "hash.key");
  const existing = await readFile(file).catch(() => undefined);
  if (existing) return existing;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, randomBytes(32), { mode: 0o600, flag: "wx" }).catch(() => undefined);
  return readFile(file);
}
