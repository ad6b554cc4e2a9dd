/** GPUs that are kept from services: a labelled volume for each, because the engine is the only record. Pure. */
import type { ObservedVolume, VolumeRequest } from "../engine/engine.ts";

/** The label on the volume of a cordon; its value is the GPU's id. */
export const cordonLabel = "io.nexus.cordon";
const reasonLabel = "io.nexus.cordon-reason";

/** A GPU that no service is given, in any stack of its engine. */
export type Cordon = Readonly<{
  gpu: string;
  /** Why, in somebody's words; empty when nobody said. */
  reason: string;
  /** ISO 8601, engine clock. */
  since: string;
}>;

/** The volume that cordons a GPU; it belongs to no stack. */
export function cordonVolume(gpu: string, reason: string): VolumeRequest {
  const name = cordonName(gpu);
  return { name, driverOpts: {}, labels: { [cordonLabel]: gpu, [reasonLabel]: reason } };
}

/** The name of that volume: ids of AMD GPUs are paths, which volumes cannot be called. */
export function cordonName(gpu: string): string {
  return `nexus-cordon-${gpu.replaceAll(/[^\w.-]+/g, "_")}`;
}

/** Every cordon among an engine's volumes. */
export function cordonsIn(volumes: readonly ObservedVolume[]): readonly Cordon[] {
  return volumes.flatMap(({ labels, createdAt }) => {
    const gpu = labels[cordonLabel];
    return gpu === undefined ? [] : [{ gpu, reason: labels[reasonLabel] ?? "", since: createdAt }];
  });
}
