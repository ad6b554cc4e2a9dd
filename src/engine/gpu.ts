/** GPUs as an engine can give them to containers, and what is written down about them. Types only. */

/** A GPU; what is not known is left out. */
export type Gpu = Readonly<{
  /** NVIDIA's UUID, or the path of an AMD render node. */
  id: string;
  name: string;
  vendor: "nvidia" | "amd";
  memoryBytes?: number;
  /** What is in use at the moment of asking. */
  usedBytes?: number;
  /** NVIDIA's compute capability: `8.9`. */
  compute?: string;
  /** Version of the driver: `580.65.06`. */
  driver?: string;
  /** AMD's architecture: `gfx1100`. */
  gfx?: string;
}>;

/** What a container that wants GPUs carries about them, so that nobody has to be asked again. */
export type GpuNote = Readonly<{
  /** The engine's GPUs as they were found when it was created, without what is in use. */
  known: readonly Gpu[];
  /** Ids of those that it was given. */
  holds: readonly string[];
  /** What it declared to need on each of them; undefined when it takes them whole. */
  vramBytes?: number;
}>;
