/** A GPU that does not exist, as the bed's nvidia-smi shows it; sizes in MiB. */
export type Card = Readonly<{
  uuid: string;
  name: string;
  memoryMiB: number;
  usedMiB?: number;
  compute: string;
  driver: string;
}>;

/** Whether a value from outside is one. */
export function isCard(value: unknown): value is Card {
  return typeof value === "object" && value !== null && "uuid" in value && "memoryMiB" in value;
}
