/** GPUs as a table. Pure. */
import type { GpuEntry, GpuInventory } from "../apply/gpu-inventory.ts";
import type { Release } from "../apply/release-gpu.ts";
import { aside, gibibytes, tenantText } from "../plan/gpu-words.ts";
import { table } from "./table.ts";
import type { Theme } from "./theme.ts";
import { printable } from "./width.ts";

/** The GPUs of an engine, with those who hold them. */
export function formatGpus(
  { gpus, asked, engine }: GpuInventory,
  { theme, width }: Readonly<{ theme: Theme; width?: number | undefined }>,
): string {
  if (gpus.length === 0)
    return `No GPU answers in a container of ${engine}. \`nexus doctor\` says what is missing.`;
  const rows = table(gpus, columns(theme), { theme, width });
  return asked
    ? rows
    : `${rows}\n\n${theme.warn("!")} This is what containers remember: the driver could not be asked.`;
}

/** What came of freeing a service's memory. */
export function formatRelease({ service, models, freedBytes }: Release): string {
  if (models?.length === 0) return `${service} has nothing loaded.`;
  const what = models === undefined ? "what it had loaded" : models.join(", ");
  const freed = freedBytes === undefined ? "" : `; ${gibibytes(freedBytes)} came free`;
  return `${service} was told to unload ${what}${freed}.`;
}

function columns(theme: Theme): Parameters<typeof table<GpuEntry>>[1] {
  const size = (bytes: number | undefined) => (bytes === undefined ? "" : gibibytes(bytes));
  return [
    { title: "GPU", value: ({ id }) => id, paint: () => theme.strong },
    { title: "NAME", value: ({ name }) => printable(name), shrink: true },
    { title: "MEMORY", value: ({ memoryBytes }) => size(memoryBytes), align: "right" },
    { title: "USED", value: ({ usedBytes }) => size(usedBytes), align: "right" },
    { title: "LEFT", value: (gpu) => size(gpu.leftBytes), align: "right" },
    { title: "DRIVER", value: ({ driver = "" }) => driver, spare: true },
    { title: "COMPUTE", value: ({ compute, gfx }) => compute ?? gfx ?? "" },
    {
      title: "HELD BY",
      value: ({ id, holders }) =>
        holders.map((holder) => tenantText({ gpu: id, ...holder })).join(", "),
      shrink: true,
    },
    {
      title: "CORDON",
      value: ({ cordon }) => (cordon ? `✘ cordoned${aside(printable(cordon.reason))}` : ""),
      paint: () => theme.warn,
    },
  ];
}
