/** What a machine can compute with, as far as it is known. Types only. */

/** Makers of GPUs that variants are chosen by. */
export type GpuVendor = "nvidia" | "amd";

/** A GPU; what is not known is left out, and no condition on it holds. */
export type MachineGpu = Readonly<{
  /** As the stack file would name it. */
  id: string;
  vendor: GpuVendor;
  name: string;
  memoryBytes?: number;
  /** NVIDIA's compute capability: `8.9`. */
  compute?: string;
  /** Version of the driver: `580.65.06`. */
  driver?: string;
}>;

/** The machine that an engine's containers run on. */
export type Machine = Readonly<{
  /** As images name it: `amd64`, `arm64`. */
  architecture: string;
  gpus: readonly MachineGpu[];
}>;
