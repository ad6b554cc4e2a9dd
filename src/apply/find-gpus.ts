/** Which GPUs there are: asked in a container, but only when what the services have already does not answer it. */
import { existsSync } from "node:fs";
import type { Engine, EngineDescription, Gpu, GpuDevices, Observed } from "../engine/engine.ts";
import { gpuIds } from "../plan/gpu-placement.ts";
import type { ContainerService, Stack } from "../stack/stack.ts";
import { ensureGatewayImage, type GatewayImage } from "./gateway-image.ts";

/** What the answer depends on. */
export type GpuQuestion = Readonly<{
  engine: Engine;
  stack: Stack;
  description: EngineDescription;
  observed: Observed;
  gatewayImage: GatewayImage;
}>;

/** The GPUs that the plan may give out; those that containers hold when every service has what it asks for. */
export async function findGpus(question: GpuQuestion): Promise<readonly Gpu[]> {
  const { engine, stack, description, observed, gatewayImage } = question;
  const wanting = stack.services
    .filter((service) => service.kind === "container")
    .filter(({ gpus }) => gpus.kind !== "none");
  if (wanting.length === 0 || description.gpuKinds.length === 0) return [];
  const mayHaveNew = !description.local || hasDevices();
  const held = observed.containers.flatMap(({ gpus }) => idsOf(gpus));
  if (isSettled(wanting, observed, { mayHaveNew }))
    return [...new Set(held)].map((id) => ({ id, name: id }));
  if (!observed.images[gatewayImage.ref])
    await ensureGatewayImage(engine, gatewayImage, () => undefined);
  return engine.gpus(gatewayImage.ref);
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
