/** What could be done instead when a service's GPUs do not fit. Pure. */
import { admits, type GpuClaim, hasRoom, leftBytes, type Slot } from "./gpu-slots.ts";
import { gibibytes, gpuName } from "./gpu-words.ts";

const gib = 1024 ** 3;
const mib = 1024 ** 2;

/** Each as the beginning of an instruction; the smallest change first. `count` is how many GPUs it is to have. */
export function alternativesFor(
  claim: GpuClaim,
  count: number,
  slots: readonly Slot[],
): readonly string[] {
  const open = slots.filter((slot) => admits(claim, slot));
  return [
    ...smallerShare(claim, count, open),
    ...declarations(open),
    ...retreats(claim, count, open),
    `set \`gpus: auto\` for ${claim.service}, which takes what is free or the CPU`,
  ];
}

/** A declared need that fits where it is emptiest. */
function smallerShare(claim: GpuClaim, count: number, slots: readonly Slot[]): readonly string[] {
  const lefts = slots.flatMap((slot) => {
    const left = leftBytes(slot);
    return left === undefined || left < mib ? [] : [{ slot, left }];
  });
  const best = lefts.toSorted((a, b) => b.left - a.left).slice(0, count);
  const tightest = best.at(-1);
  if (best.length < count || tightest === undefined) return [];
  const fits = tightest.left * count;
  if (claim.vramBytes !== undefined && fits >= claim.vramBytes) return [];
  const where = `${gpuName(tightest.slot.gpu)} has ${gibibytes(tightest.left)} left`;
  return [`declare \`vram: ${quantity(fits)}\` for ${claim.service} (${where})`];
}

/** Who takes a GPU whole may need only a part of it. */
function declarations(slots: readonly Slot[]): readonly string[] {
  const whole = slots.flatMap(({ tenants }) =>
    tenants.flatMap(({ service, vramBytes }) => (vramBytes === undefined ? [service] : [])),
  );
  return [...new Set(whole)].map((service) => `declare \`vram:\` for ${service}`);
}

/** Services whose GPU would do for this one. */
function retreats(claim: GpuClaim, count: number, slots: readonly Slot[]): readonly string[] {
  const holders = new Set(slots.flatMap(({ tenants }) => tenants.map(({ service }) => service)));
  return [...holders]
    .filter((service) => fitsWithout(service, claim, { count, slots }))
    .map((service) => `set \`gpus: none\` for ${service}, which makes room`);
}

function fitsWithout(
  service: string,
  claim: GpuClaim,
  { count, slots }: Readonly<{ count: number; slots: readonly Slot[] }>,
): boolean {
  const without = slots.map((slot) => ({
    ...slot,
    tenants: slot.tenants.filter((tenant) => tenant.service !== service),
  }));
  return without.filter((slot) => hasRoom(claim, count, slot)).length >= count;
}

/** As a stack file takes it, rounded down. */
function quantity(bytes: number): string {
  return bytes >= gib ? `${Math.floor(bytes / gib)}GiB` : `${Math.floor(bytes / mib)}MiB`;
}
