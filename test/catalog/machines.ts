/** Machines to choose variants for. */
import type { Machine, MachineGpu } from "../../src/catalog/machine.ts";

/** A GPU of NVIDIA's by what variants ask of it. */
export const nvidia = (compute: string, driver: string): MachineGpu => ({
  id: "GPU-1",
  vendor: "nvidia",
  name: "NVIDIA",
  compute,
  driver,
});

/** A GPU of AMD's. */
export const amd: MachineGpu = { id: "AMD-1", vendor: "amd", name: "AMD" };

/** A machine with these GPUs. */
export const machine = (architecture: string, ...gpus: readonly MachineGpu[]): Machine => ({
  architecture,
  gpus,
});
