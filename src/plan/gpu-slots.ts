/** A GPU with those who have it, and whether there is room for one more. Pure. */
import type { Gpu } from "../engine/engine.ts";
import type { GpuRequest } from "../stack/stack.ts";

/** What one service asks for, and the GPUs its container has now. */
export type GpuClaim = Readonly<{
  service: string;
  request: GpuRequest;
  vramBytes?: number;
  holds: readonly string[];
  /** Ids or vendors of those that its image is made for; undefined when any will do. */
  fitting?: readonly string[];
  /** Its container is replaced anyhow, so it keeps no GPU that is cordoned. */
  moves?: boolean;
}>;

/** Who has a GPU; `vramBytes` is undefined when it is taken whole. */
export type GpuTenant = Readonly<{
  gpu: string;
  service: string;
  /** The stack of a service of somebody else's. */
  stack?: string;
  vramBytes?: number;
}>;

/** A GPU with its tenants: those of this stack, as far as they are placed, and those of others. */
export type Slot = Readonly<{
  gpu: Gpu;
  tenants: readonly GpuTenant[];
  others: readonly GpuTenant[];
  /** Why it is kept from services; undefined when it is not. */
  cordon?: string;
}>;

/** Whether a service may have the GPU at all: one that has it keeps it until it is replaced. */
export function admits(claim: GpuClaim, slot: Slot): boolean {
  return isMadeFor(claim, slot.gpu) && !isBarred(claim, slot);
}

/** Whether a cordon keeps a service from the GPU. */
export function isBarred({ holds, moves }: GpuClaim, { gpu, cordon }: Slot): boolean {
  return cordon !== undefined && (moves === true || !holds.includes(gpu.id));
}

/** Whether the service's image is made for this GPU. */
export function isMadeFor({ fitting }: GpuClaim, { id, vendor }: Gpu): boolean {
  return fitting === undefined || fitting.includes(id) || fitting.includes(vendor);
}

/** `vram: 0` takes nothing of a GPU, as what measures it: there is room for it beside everybody, and it stands in nobody's way. */
export function onlyLooks({ vramBytes }: Pick<GpuClaim, "vramBytes">): boolean {
  return vramBytes === 0;
}

/** Declared VRAM is spread evenly over the GPUs of a service. */
export function share({ vramBytes }: GpuClaim, count: number): number | undefined {
  return vramBytes === undefined ? undefined : vramBytes / count;
}

/**
 * Where the size of a GPU is not known, those that share it already go on: they were fitted when it was. What other
 * stacks declare counts for those that come after them, and not for those who were there before.
 */
export function hasRoom(claim: GpuClaim, count: number, slot: Slot): boolean {
  if (onlyLooks(claim)) return true;
  const { gpu, tenants } = slot;
  const need = share(claim, count);
  const isHeld = claim.holds.includes(gpu.id);
  if (need === undefined) return tenants.length === 0;
  const taken = takenBytes(tenants);
  if (gpu.memoryBytes === undefined) return tenants.length === 0 || (isHeld && taken < Infinity);
  const foreign = isHeld ? 0 : declaredBytes(slot.others);
  return taken + foreign + need <= gpu.memoryBytes;
}

/** What is left for a service that declares its need; undefined where that is not known. */
export function leftBytes({ gpu, tenants, others }: Slot): number | undefined {
  if (gpu.memoryBytes === undefined) return undefined;
  return Math.max(0, gpu.memoryBytes - takenBytes(tenants) - declaredBytes(others));
}

/** The slot with one tenant more. */
export function occupied(slot: Slot, claim: GpuClaim, count: number): Slot {
  if (onlyLooks(claim)) return slot;
  const vramBytes = share(claim, count);
  const tenant = {
    gpu: slot.gpu.id,
    service: claim.service,
    ...(vramBytes !== undefined && { vramBytes }),
  };
  return { ...slot, tenants: [...slot.tenants, tenant] };
}

function takenBytes(tenants: readonly GpuTenant[]): number {
  return tenants.reduce((sum, { vramBytes = Infinity }) => sum + vramBytes, 0);
}

/** Those who declare nothing are warned of: what they take is not known here. */
function declaredBytes(tenants: readonly GpuTenant[]): number {
  return tenants.reduce((sum, { vramBytes = 0 }) => sum + vramBytes, 0);
}
