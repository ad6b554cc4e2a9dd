/** Decides which GPUs every service gets: by id, never by count, so that no two services meet by accident. */
import type { EngineDescription, Gpu, GpuDevices } from "../engine/engine.ts";
import type { GpuRequest } from "../stack/stack.ts";
import { gibibytes, GpuOverbookedError, NoGpuError } from "./gpu-errors.ts";

/** What one service asks for, and the GPUs its container has now. */
export type GpuClaim = Readonly<{
  service: string;
  request: GpuRequest;
  vramBytes?: number;
  holds: readonly string[];
}>;

/** What a service gets. */
export type GpuPlacement = Readonly<{
  ids: readonly string[];
  /** Why a service that would take a GPU runs on the CPU. */
  onCpu?: string;
  /** There is room for a second container of the service while it is replaced. */
  roomForTwo: boolean;
}>;

type Tenant = Readonly<{ service: string; bytes?: number }>;
type Slot = Readonly<{ gpu: Gpu; tenants: readonly Tenant[] }>;
type Machine = Readonly<{ engine: EngineDescription; gpus: readonly Gpu[] }>;

/**
 * Places all claims: those that name GPUs first, `auto` last, and among equals those that hold some already.
 * A GPU belongs to one service unless all on it declare `vram` and it has room for the sum.
 * Throws {@link NoGpuError} and {@link GpuOverbookedError}.
 */
export function placeGpus(
  claims: readonly GpuClaim[],
  machine: Machine,
): ReadonlyMap<string, GpuPlacement> {
  const usable = usableMachine(machine);
  let slots: readonly Slot[] = usable.gpus.map((gpu) => ({ gpu, tenants: [] }));
  const placed = new Map<
    string,
    Readonly<{ claim: GpuClaim; ids: readonly string[]; onCpu?: string }>
  >();
  for (const claim of claims.toSorted((a, b) => urgency(a) - urgency(b))) {
    const found = place(claim, slots, usable);
    placed.set(claim.service, { claim, ...found });
    slots = slots.map((slot) =>
      found.ids.includes(slot.gpu.id) ? occupied(slot, claim, found.ids) : slot,
    );
  }
  return new Map(
    [...placed].map(([service, { claim, ids, ...rest }]) => [
      service,
      { ...rest, ids, roomForTwo: hasRoomForTwo(claim, ids, slots) },
    ]),
  );
}

/** An engine that cannot be asked for GPUs has none, whatever it lists; CDI's long names become plain ids. */
function usableMachine({ engine, gpus }: Machine): Machine {
  const usable = engine.gpuKinds.length > 0 ? gpus : [];
  return { engine, gpus: usable.map((gpu) => ({ ...gpu, id: plainId(gpu.id) })) };
}

/** GPU ids as the engine has to be asked for them; undefined for none. */
export function gpuDevices(
  ids: readonly string[],
  { gpuKinds, cdiDevices }: EngineDescription,
): GpuDevices | undefined {
  if (ids.length === 0) return undefined;
  if (gpuKinds.includes("nvidia")) return { kind: "nvidia", ids };
  if (gpuKinds.includes("cdi"))
    return { kind: "cdi", ids: ids.map((id) => cdiName(id, cdiDevices)) };
  return { kind: "amd", devices: ["/dev/kfd", ...ids], groups: [] };
}

/** The ids of GPUs that a container has. */
export function gpuIds(gpus: GpuDevices | undefined): readonly string[] {
  if (!gpus) return [];
  if (gpus.kind === "amd") return gpus.devices.filter((device) => device !== "/dev/kfd");
  return gpus.ids.map(plainId);
}

const urgencies = { none: 0, ids: 1, all: 2, count: 3, auto: 4 } as const;

function urgency({ request, holds }: GpuClaim): number {
  return urgencies[request.kind] * 2 + (holds.length > 0 ? 0 : 1);
}

type Found = Readonly<{ ids: readonly string[]; onCpu?: string }>;

function place(claim: GpuClaim, slots: readonly Slot[], machine: Machine): Found {
  const { request } = claim;
  if (request.kind === "none") return { ids: [] };
  if (request.kind === "auto") return placeAuto(claim, slots, machine);
  if (request.kind === "count")
    return { ids: placeCount(claim, request.count, { slots, machine }) };
  const wanted = request.kind === "ids" ? request.ids : machine.gpus.map(({ id }) => id);
  return { ids: placeExactly(claim, wanted.map(plainId), { slots, machine }) };
}

/** Takes one GPU, or as many as its `vram` needs; none at all, with the reason, rather than fail. */
function placeAuto(claim: GpuClaim, slots: readonly Slot[], { engine }: Machine): Found {
  for (const [index] of slots.entries()) {
    const ids = roomiest(claim, index + 1, slots);
    if (ids) return { ids };
  }
  return { ids: [], onCpu: whyCpu(claim, slots, engine) };
}

function placeCount(
  claim: GpuClaim,
  count: number,
  { slots, machine }: Readonly<{ slots: readonly Slot[]; machine: Machine }>,
): readonly string[] {
  if (slots.length === 0) throw new NoGpuError(claim.service, wantedText(claim), machine);
  const ids = roomiest(claim, count, slots);
  if (!ids) throw overbooked(claim, slots);
  return ids;
}

function placeExactly(
  claim: GpuClaim,
  wanted: readonly string[],
  { slots, machine }: Readonly<{ slots: readonly Slot[]; machine: Machine }>,
): readonly string[] {
  const chosen = slots.filter(({ gpu }) => wanted.includes(gpu.id));
  if (chosen.length === 0 || chosen.length < new Set(wanted).size) {
    throw new NoGpuError(claim.service, wantedText(claim), machine);
  }
  const fits = chosen.every((slot) => hasRoom(claim, chosen.length, slot));
  if (!fits) throw overbooked(claim, slots);
  return chosen.map(({ gpu }) => gpu.id);
}

/** The `count` best GPUs with room: those held already, then the emptiest, then in the engine's order. */
function roomiest(
  claim: GpuClaim,
  count: number,
  slots: readonly Slot[],
): readonly string[] | undefined {
  const free = slots.filter((slot) => hasRoom(claim, count, slot));
  const held = ({ gpu }: Slot) => (claim.holds.includes(gpu.id) ? 0 : 1);
  const best = free.toSorted((a, b) => held(a) - held(b) || a.tenants.length - b.tenants.length);
  return best.length < count ? undefined : best.slice(0, count).map(({ gpu }) => gpu.id);
}

/** Declared VRAM is spread evenly over the GPUs of a service. */
function share({ vramBytes }: GpuClaim, count: number): number | undefined {
  return vramBytes === undefined ? undefined : vramBytes / count;
}

/** Where the size of a GPU is not known, those that share it already go on: they were fitted when it was. */
function hasRoom(claim: GpuClaim, count: number, { gpu, tenants }: Slot): boolean {
  const need = share(claim, count);
  if (need === undefined) return tenants.length === 0;
  const taken = tenants
    .map(({ bytes }) => bytes ?? Infinity)
    .reduce((sum, bytes) => sum + bytes, 0);
  if (gpu.memoryBytes !== undefined) return taken + need <= gpu.memoryBytes;
  return tenants.length === 0 || (claim.holds.includes(gpu.id) && taken < Infinity);
}

function occupied(slot: Slot, claim: GpuClaim, ids: readonly string[]): Slot {
  const bytes = share(claim, ids.length);
  const tenant = { service: claim.service, ...(bytes !== undefined && { bytes }) };
  return { ...slot, tenants: [...slot.tenants, tenant] };
}

function hasRoomForTwo(claim: GpuClaim, ids: readonly string[], slots: readonly Slot[]): boolean {
  const second = { ...claim, holds: [] };
  return slots
    .filter(({ gpu }) => ids.includes(gpu.id))
    .every((slot) => hasRoom(second, ids.length, slot));
}

function overbooked(claim: GpuClaim, slots: readonly Slot[]): GpuOverbookedError {
  const tenants = slots.flatMap(({ gpu, tenants: held }) =>
    held.map(({ service, bytes }) => ({
      gpu: gpu.id,
      service,
      ...(bytes !== undefined && { vramBytes: bytes }),
    })),
  );
  return new GpuOverbookedError(claim.service, wantedText(claim), {
    gpus: slots.map(({ gpu }) => gpu),
    tenants,
  });
}

function whyCpu(claim: GpuClaim, slots: readonly Slot[], engine: EngineDescription): string {
  if (engine.gpuKinds.length === 0) return "the engine offers no GPU";
  if (slots.length === 0) return "no GPU answers in a container";
  const holders = new Set(slots.flatMap(({ tenants }) => tenants.map(({ service }) => service)));
  if (holders.size === 0) return `no GPU has the ${gibibytes(claim.vramBytes ?? 0)} it needs`;
  return claim.vramBytes === undefined
    ? `the GPU is held by ${[...holders].join(", ")}; services share one only when all declare \`vram\``
    : `the GPU has no ${gibibytes(claim.vramBytes)} left beside ${[...holders].join(", ")}`;
}

function wantedText({ request, vramBytes }: GpuClaim): string {
  const memory = vramBytes === undefined ? "" : ` with ${gibibytes(vramBytes)}`;
  if (request.kind === "count")
    return `${request.count} GPU${request.count === 1 ? "" : "s"}${memory}`;
  if (request.kind === "ids")
    return `the GPU${request.ids.length === 1 ? "" : "s"} ${request.ids.join(", ")}${memory}`;
  return `all GPUs${memory}`;
}

/** `GPU-1` for `nvidia.com/gpu=GPU-1`. */
function plainId(id: string): string {
  return id.slice(id.indexOf("=") + 1);
}

function cdiName(id: string, cdiDevices: readonly string[]): string {
  return cdiDevices.find((device) => device.endsWith(`=${id}`)) ?? `nvidia.com/gpu=${id}`;
}
