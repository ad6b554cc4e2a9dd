/** What a stack asks of the GPUs, what others have of them, and what a container is to remember. Pure. */
import type { GpuNote } from "../engine/engine.ts";
import type { ContainerService, Stack } from "../stack/stack.ts";
import { cordonsIn } from "./gpu-cordon.ts";
import { type GpuMachine, gpuIds } from "./gpu-placement.ts";
import type { GpuClaim, GpuTenant } from "./gpu-slots.ts";
import type { UpInput } from "./plan.ts";

/** One claim for every container service; those in `moving` are replaced anyhow. */
export function claimsOf(
  { stack, observed }: UpInput,
  moving: ReadonlySet<string>,
): readonly GpuClaim[] {
  return containersOf(stack).map(({ name, gpus, vramBytes, fittingGpus }) => ({
    service: name,
    request: gpus,
    ...(vramBytes !== undefined && { vramBytes }),
    ...(fittingGpus && { fitting: fittingGpus }),
    holds: heldBy(name, observed.containers),
    moves: moving.has(name),
  }));
}

/** The GPUs with everybody beside this stack who has a say in them. */
export function machineOf({ engine, gpus, observed }: UpInput): GpuMachine {
  return {
    engine,
    gpus,
    others: tenantsIn(observed.foreign),
    cordons: cordonsIn(observed.volumes),
  };
}

/** Who holds GPUs among containers of other stacks: those that run, as their notes say. */
export function tenantsIn(foreign: UpInput["observed"]["foreign"]): readonly GpuTenant[] {
  return foreign.flatMap(({ name, owner, service, running, gpuNote }) =>
    running && gpuNote
      ? gpuNote.holds.map((gpu) => ({
          gpu,
          service: service ?? name,
          ...(owner !== undefined && { stack: owner }),
          ...(gpuNote.vramBytes !== undefined && { vramBytes: gpuNote.vramBytes }),
        }))
      : [],
  );
}

/** What a service's container is to remember; undefined where it wants no GPU, or there is none. */
export function gpuNoteOf(
  { gpus: request, vramBytes }: ContainerService,
  holds: readonly string[],
  { gpus }: UpInput,
): GpuNote | undefined {
  if (request.kind === "none" || gpus.length === 0) return undefined;
  const declared = vramBytes !== undefined && holds.length > 0;
  return {
    known: gpus.map(({ usedBytes: _used, ...gpu }) => gpu),
    holds,
    ...(declared && { vramBytes: Math.ceil(vramBytes / holds.length) }),
  };
}

/**
 * The service's command with the part of GPU memory that it may use, where it declares what it needs and the memory
 * is known: two digits, rounded down, because more would be somebody else's.
 */
export function commandOn(
  { command, vramBytes, vramArgument }: ContainerService,
  holds: readonly string[],
  { gpus }: UpInput,
): readonly string[] | undefined {
  if (vramBytes === undefined || vramArgument === undefined || holds.length === 0) return command;
  const isGiven = command?.some((word) => word.split("=", 1)[0] === vramArgument) ?? false;
  const memory = Math.min(...holds.map((id) => memoryOf(id, gpus)));
  if (isGiven || Number.isNaN(memory)) return command;
  const part = Math.floor((vramBytes / (memory * holds.length)) * 100 + 1e-9) / 100;
  return [...(command ?? []), vramArgument, Math.max(0.01, part).toFixed(2)];
}

function memoryOf(id: string, gpus: UpInput["gpus"]): number {
  return gpus.find((gpu) => gpu.id === id || gpu.id.endsWith(`=${id}`))?.memoryBytes ?? Number.NaN;
}

function containersOf({ services }: Stack): readonly ContainerService[] {
  return services.filter((service) => service.kind === "container");
}

/** The GPUs of a service's newest container that has any. */
function heldBy(service: string, containers: UpInput["observed"]["containers"]): readonly string[] {
  const own = containers.filter(({ identity }) => identity?.service === service);
  const newest = own.toSorted(
    (a, b) => (b.identity?.generation ?? 0) - (a.identity?.generation ?? 0),
  );
  return gpuIds(newest.find(({ gpus }) => gpus)?.gpus);
}
