/** Which GPUs there are: asked in a container, but only when what containers remember does not answer it. */
import { existsSync } from "node:fs";
import type { Engine, EngineDescription, Gpu, GpuDevices, Observed } from "../engine/engine.ts";
import { NexusError } from "../errors.ts";
import { gpuIds } from "../plan/gpu-placement.ts";
import type { ContainerService, Stack } from "../stack/stack.ts";
import { ensureGatewayImage, type GatewayImage, readGatewayImage } from "./gateway-image.ts";
import { chooseNodeBase } from "./node-base.ts";

/** What the answer depends on. */
export type GpuQuestion = Readonly<{
  engine: Engine;
  stack: Stack;
  description: EngineDescription;
  observed: Observed;
  gatewayImage: GatewayImage;
}>;

/**
 * The GPUs that the plan may give out; those that containers remember when every service has what it asks for. Where
 * an older Nexus wrote nothing down of one, it is asked once more: what is made next shall remember what it is.
 */
export async function findGpus(question: GpuQuestion): Promise<readonly Gpu[]> {
  const { engine, stack, description, observed, gatewayImage } = question;
  const wanting = stack.services
    .filter((service) => service.kind === "container")
    .filter(({ gpus }) => gpus.kind !== "none");
  if (wanting.length === 0 || description.gpuKinds.length === 0) return [];
  const mayHaveNew = !description.local || hasDevices();
  const ask = () => askInContainer(engine, gatewayImage, gatewayImage.ref in observed.images);
  if (!isSettled(wanting, observed, { mayHaveNew })) return ask();
  const remembered = rememberedGpus(observed);
  if (remembered.every(isDescribed)) return remembered;
  const asked = await ask();
  return asked.length > 0 ? asked : remembered;
}

/**
 * The engine's GPUs for whoever has no plan yet: as containers of any stack remember them, else asked. Undefined
 * where nobody can be asked.
 */
export async function recallGpus(
  engine: Engine,
  description: EngineDescription,
): Promise<readonly Gpu[] | undefined> {
  const remembered = rememberedGpus(await engine.observe("", []));
  const isEnough = remembered.length > 0 && remembered.every(isDescribed);
  return isEnough ? remembered : askGpus(engine, description);
}

/** The engine's GPUs as they are now; undefined where no image can be had to ask in. */
export async function askGpus(
  engine: Engine,
  description: EngineDescription,
): Promise<readonly Gpu[] | undefined> {
  if (description.gpuKinds.length === 0) return [];
  try {
    const image = await readGatewayImage(chooseNodeBase(description, undefined));
    const isThere = (await engine.images.inspect(image.ref)) !== undefined;
    return await askInContainer(engine, image, isThere);
  } catch (error) {
    if (error instanceof NexusError) return undefined;
    throw error;
  }
}

async function askInContainer(
  engine: Engine,
  image: GatewayImage,
  isThere: boolean,
): Promise<readonly Gpu[]> {
  if (!isThere) await ensureGatewayImage(engine, image, () => undefined);
  return engine.gpus(image.ref);
}

/**
 * Every GPU that a container holds or remembers, each once, as the newest remembers it: drivers change. Of one of which
 * nothing was written down, its id alone.
 */
export function rememberedGpus({
  containers,
  foreign,
}: Pick<Observed, "containers" | "foreign">): readonly Gpu[] {
  const byAge = foreign.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
  const notes = [...byAge, ...containers].flatMap(({ gpuNote }) => gpuNote?.known ?? []);
  const bare = containers.flatMap(({ gpus }) =>
    idsOf(gpus).map((id): Gpu => ({ id, name: id, vendor: vendorOf(gpus) })),
  );
  return [...new Map([...bare, ...notes].map((gpu) => [gpu.id, gpu])).values()];
}

/** Whether more is known of it than its id. */
function isDescribed({ id, name }: Gpu): boolean {
  return name !== id;
}

function vendorOf(gpus: GpuDevices | undefined): Gpu["vendor"] {
  return gpus?.kind === "amd" ? "amd" : "nvidia";
}

/**
 * Whether every service holds what it asks for, so that nobody has to be asked. Pure. Where no service holds any,
 * a GPU may have come since they were started on the CPU: a driver was installed, a card was put in.
 */
export function isSettled(
  wanting: readonly ContainerService[],
  { containers }: Pick<Observed, "containers">,
  { mayHaveNew }: Readonly<{ mayHaveNew: boolean }>,
): boolean {
  const isHeld = containers.some(({ gpus }) => idsOf(gpus).length > 0);
  return wanting.every(({ name, gpus }) => {
    const own = containers.filter(({ identity }) => identity?.service === name);
    if (gpus.kind === "auto") return own.length > 0 && (isHeld || !mayHaveNew);
    return own.some((container) => holds(gpus, idsOf(container.gpus)));
  });
}

function holds(asked: ContainerService["gpus"], ids: readonly string[]): boolean {
  if (asked.kind === "count") return ids.length === asked.count;
  if (asked.kind !== "ids") return ids.length > 0;
  const wanted = new Set(gpuIds({ kind: "nvidia", ids: asked.ids }));
  return ids.length === wanted.size && ids.every((id) => wanted.has(id));
}

function idsOf(gpus: GpuDevices | undefined): readonly string[] {
  const ids = gpuIds(gpus);
  return gpus?.kind === "amd" ? ids.filter((path) => path.startsWith("/dev/dri/")) : ids;
}

/** What drivers put there: NVIDIA's, the one of WSL 2, AMD's, and NVIDIA's for boards. */
function hasDevices(): boolean {
  return ["/dev/nvidiactl", "/dev/dxg", "/dev/kfd", "/dev/nvhost-gpu"].some((path) =>
    existsSync(path),
  );
}
