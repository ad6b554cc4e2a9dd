/** GPUs, and who has them, in words. Pure. */
import type { Gpu } from "../engine/engine.ts";
import { type GpuTenant, leftBytes, type Slot } from "./gpu-slots.ts";

/** `8 GiB`, with one decimal where it matters. */
export function gibibytes(bytes: number): string {
  return `${Number((bytes / 1024 ** 3).toFixed(1))} GiB`;
}

/** `RTX 4090 GPU-1 (24 GiB)`. */
export function gpuName({ id, name, memoryBytes }: Gpu): string {
  return `${name} ${id}${memoryBytes === undefined ? "" : ` (${gibibytes(memoryBytes)})`}`;
}

/** `vllm (20 GiB)`, or `vllm of the stack lab (all of it)`. */
export function tenantText({ service, stack, vramBytes }: GpuTenant): string {
  const whose = stack === undefined ? service : `${service} of the stack ${stack}`;
  return `${whose} (${vramBytes === undefined ? "all of it" : gibibytes(vramBytes)})`;
}

/** `RTX 4090 GPU-1 (24 GiB) is held by vllm (20 GiB), 4 GiB left`. */
export function slotText(slot: Slot): string {
  const name = gpuName(slot.gpu);
  if (slot.cordon !== undefined) return `${name} is cordoned${aside(slot.cordon)}`;
  const held = [...slot.tenants, ...slot.others];
  if (held.length === 0) return `${name} is free`;
  const left = leftBytes(slot) ?? 0;
  const rest = left > 0 ? `, ${gibibytes(left)} left` : "";
  return `${name} is held by ${held.map(tenantText).join(" and ")}${rest}`;
}

/** A reason in brackets, when there is one. */
export function aside(reason: string): string {
  return reason === "" ? "" : ` (${reason})`;
}
