/** Decides which GPUs every service gets: by id, never by count, so that no two services meet by accident. */
import type { EngineDescription, Gpu, GpuDevices } from "../engine/engine.ts";
import { alternativesFor } from "./gpu-alternatives.ts";
import type { Cordon } from "./gpu-cordon.ts";
import { GpuCordonedError, GpuOverbookedError, NoGpuError } from "./gpu-errors.ts";
import {
  admits,
  type GpuClaim,
  type GpuTenant,
  hasRoom,
  isBarred,
  isMadeFor,
  occupied,
  type Slot,
} from "./gpu-slots.ts";
import { gpuWarnings } from "./gpu-warnings.ts";
import { gibibytes, slotText } from "./gpu-words.ts";

/** What a service gets. */
export type GpuPlacement = Readonly<{
  ids: readonly string[];
  /** Why a service that would take a GPU runs on the CPU. */
  onCpu?: string;
  /** There is room for a second container of the service while it is replaced. */
  roomForTwo: boolean;
  /** What may go wrong with these GPUs, in sentences. */
  warnings: readonly string[];
}>;

/** The GPUs that there are, and who has a say in them beside this stack. */
export type GpuMachine = Readonly<{
  engine: EngineDescription;
  gpus: readonly Gpu[];
  /** Services of other stacks that hold some. */
  others?: readonly GpuTenant[];
  cordons?: readonly Cordon[];
}>;

type Found = Readonly<{ ids: readonly string[]; onCpu?: string }>;
type Scene = Readonly<{ slots: readonly Slot[]; machine: GpuMachine }>;

/**
 * Places all claims: those that name GPUs first, `auto` last, and among equals those that hold some already.
 * A GPU belongs to one service unless all on it declare `vram` and it has room for the sum. A cordoned one is given
 * to nobody new. Throws {@link NoGpuError}, {@link GpuOverbookedError} and {@link GpuCordonedError}.
 */
export function placeGpus(
  claims: readonly GpuClaim[],
  machine: GpuMachine,
): ReadonlyMap<string, GpuPlacement> {
  const usable = usableMachine(machine);
  let slots = slotsOf(usable);
  const placed = new Map<string, Readonly<{ claim: GpuClaim }> & Found>();
  for (const claim of claims.toSorted((a, b) => urgency(a) - urgency(b))) {
    const found = place(claim, { slots, machine: usable });
    placed.set(claim.service, { claim, ...found });
    slots = slots.map((slot) =>
      found.ids.includes(slot.gpu.id) ? occupied(slot, claim, found.ids.length) : slot,
    );
  }
  return new Map(
    [...placed].map(([service, { claim, ids, ...rest }]) => {
      const own = slots.filter(({ gpu }) => ids.includes(gpu.id));
      const warnings = own.flatMap((slot) => gpuWarnings(claim, slot));
      return [service, { ...rest, ids, roomForTwo: hasRoomForTwo(claim, own), warnings }];
    }),
  );
}

/** An engine that cannot be asked for GPUs has none, whatever it lists; CDI's long names become plain ids. */
function usableMachine({ gpus, ...machine }: GpuMachine): GpuMachine {
  const usable = machine.engine.gpuKinds.length > 0 ? gpus : [];
  return { ...machine, gpus: usable.map((gpu) => ({ ...gpu, id: plainId(gpu.id) })) };
}

function slotsOf({ gpus, others = [], cordons = [] }: GpuMachine): readonly Slot[] {
  return gpus.map((gpu) => {
    const cordon = cordons.find((each) => each.gpu === gpu.id)?.reason;
    return {
      gpu,
      tenants: [],
      others: others.filter((tenant) => tenant.gpu === gpu.id),
      ...(cordon !== undefined && { cordon }),
    };
  });
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

function place(claim: GpuClaim, scene: Scene): Found {
  const { request } = claim;
  if (request.kind === "none") return { ids: [] };
  if (request.kind === "auto") return placeAuto(claim, scene);
  if (request.kind === "count") return { ids: placeCount(claim, request.count, scene) };
  if (request.kind === "all") return { ids: placeAll(claim, scene) };
  return { ids: placeExactly(claim, request.ids.map(plainId), scene) };
}

/** Takes one GPU, or as many as its `vram` needs; none at all, with the reason, rather than fail. */
function placeAuto(claim: GpuClaim, { slots, machine }: Scene): Found {
  for (const [index] of slots.entries()) {
    const ids = roomiest(claim, index + 1, slots);
    if (ids) return { ids };
  }
  return { ids: [], onCpu: whyCpu(claim, slots, machine.engine) };
}

function placeCount(claim: GpuClaim, count: number, { slots, machine }: Scene): readonly string[] {
  if (slots.length === 0) throw new NoGpuError(claim.service, wantedText(claim), machine);
  const ids = roomiest(claim, count, slots);
  if (!ids) throw overbooked(claim, count, slots);
  return ids;
}

/** All that are not cordoned. */
function placeAll(claim: GpuClaim, scene: Scene): readonly string[] {
  const open = scene.slots.filter((slot) => !isBarred(claim, slot));
  const wanted = open.length > 0 ? open : scene.slots;
  return placeExactly(
    claim,
    wanted.map(({ gpu }) => gpu.id),
    scene,
  );
}

function placeExactly(
  claim: GpuClaim,
  wanted: readonly string[],
  { slots, machine }: Scene,
): readonly string[] {
  const chosen = slots.filter(({ gpu }) => wanted.includes(gpu.id));
  if (chosen.length === 0 || chosen.length < new Set(wanted).size) {
    throw new NoGpuError(claim.service, wantedText(claim), machine);
  }
  refuseImproper(claim, chosen, machine);
  const fits = chosen.every((slot) => hasRoom(claim, chosen.length, slot));
  if (!fits) throw overbooked(claim, chosen.length, slots);
  return chosen.map(({ gpu }) => gpu.id);
}

function refuseImproper(claim: GpuClaim, chosen: readonly Slot[], machine: GpuMachine): void {
  const unfit = chosen.filter(({ gpu }) => !isMadeFor(claim, gpu)).map(({ gpu }) => gpu);
  if (unfit.length > 0)
    throw new NoGpuError(claim.service, wantedText(claim), { ...machine, unfit });
  const barred = chosen.filter((slot) => isBarred(claim, slot));
  if (barred.length > 0) throw new GpuCordonedError(claim.service, wantedText(claim), barred);
}

/**
 * The `count` best GPUs with room: those held already, then those that no other stack uses, then the emptiest,
 * then in the engine's order.
 */
function roomiest(
  claim: GpuClaim,
  count: number,
  slots: readonly Slot[],
): readonly string[] | undefined {
  const free = slots.filter((slot) => admits(claim, slot) && hasRoom(claim, count, slot));
  const held = ({ gpu }: Slot) => (claim.holds.includes(gpu.id) ? 0 : 1);
  const best = free.toSorted(
    (a, b) =>
      held(a) - held(b) || a.others.length - b.others.length || a.tenants.length - b.tenants.length,
  );
  return best.length < count ? undefined : best.slice(0, count).map(({ gpu }) => gpu.id);
}

function hasRoomForTwo(claim: GpuClaim, own: readonly Slot[]): boolean {
  const second = { ...claim, holds: [] };
  return own.every((slot) => hasRoom(second, own.length, slot));
}

function overbooked(claim: GpuClaim, count: number, slots: readonly Slot[]): GpuOverbookedError {
  return new GpuOverbookedError(claim.service, wantedText(claim), {
    slots,
    alternatives: alternativesFor(claim, count, slots),
  });
}

function whyCpu(claim: GpuClaim, slots: readonly Slot[], engine: EngineDescription): string {
  if (engine.gpuKinds.length === 0) return "the engine offers no GPU";
  if (slots.length === 0) return "no GPU answers in a container";
  const made = slots.filter(({ gpu }) => isMadeFor(claim, gpu));
  if (made.length === 0) return "its image is not made for the GPUs here";
  const open = made.filter((slot) => !isBarred(claim, slot));
  if (open.length === 0) return made.map(slotText).join("; ");
  return whyNoRoom(claim, open);
}

function whyNoRoom({ vramBytes }: GpuClaim, open: readonly Slot[]): string {
  const tenants = open.flatMap((slot) => [...slot.tenants, ...slot.others]);
  const holders = [
    ...new Set(
      tenants.map(({ service, stack }) =>
        stack === undefined ? service : `${service} of the stack ${stack}`,
      ),
    ),
  ];
  if (holders.length === 0) return `no GPU has the ${gibibytes(vramBytes ?? 0)} it needs`;
  return vramBytes === undefined
    ? `the GPU is held by ${holders.join(", ")}; services share one only when all declare \`vram\``
    : `the GPU has no ${gibibytes(vramBytes)} left beside ${holders.join(", ")}`;
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
