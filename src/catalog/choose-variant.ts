/** Which variant of a template fits a machine, and why. Pure: a table is read from top to bottom, never a guess. */
import type { Machine, MachineGpu } from "./machine.ts";
import { formatRange, isWithin, type Range } from "./range.ts";
import type { Template, Variant } from "./template.ts";

/** What was thought of one variant. */
export type Consideration = Readonly<{ variant: string; fits: boolean; because: string }>;

/** The outcome. `considered` goes up to the variant that was chosen, or through all of them. */
export type Choice = Readonly<
  | {
      kind: "chosen";
      /** Undefined for a template that has none: it is the same everywhere. */
      variant?: Variant;
      /** Ids of the GPUs that its conditions hold for; empty when it needs none. */
      gpus: readonly string[];
      considered: readonly Consideration[];
    }
  | { kind: "refused"; considered: readonly Consideration[] }
>;

/** What the stack file says of GPUs: `none` keeps a service off them, a list names those it may have. */
export type GpuWish = "none" | "any" | readonly string[];

/** The first variant whose conditions hold. What is not known of a machine is never assumed. */
export function chooseVariant(template: Template, machine: Machine, wish: GpuWish = "any"): Choice {
  const considered: Consideration[] = [];
  if (template.variants.length === 0) return { kind: "chosen", gpus: [], considered };
  const gpus = usable(machine, wish);
  for (const variant of template.variants) {
    const judged = judge(variant, { ...machine, gpus }, wish);
    considered.push({ variant: variant.name, fits: judged.fits, because: judged.because });
    if (judged.fits) return { kind: "chosen", variant, gpus: judged.gpus, considered };
  }
  return { kind: "refused", considered };
}

function usable({ gpus }: Machine, wish: GpuWish): readonly MachineGpu[] {
  if (wish === "any") return gpus;
  return wish === "none" ? [] : gpus.filter(({ id }) => wish.includes(id));
}

type Judgement = Readonly<{ fits: boolean; because: string; gpus: readonly string[] }>;

function judge(variant: Variant, machine: Machine, wish: GpuWish): Judgement {
  const { architecture, vendor } = variant.when;
  if (architecture && !architecture.includes(machine.architecture))
    return unfit(
      `it is for ${architecture.join(" and ")}, the engine runs ${machine.architecture}`,
    );
  if (vendor === undefined) return { fits: true, because: variant.because, gpus: [] };
  const own = machine.gpus.filter((gpu) => gpu.vendor === vendor);
  if (own.length === 0) return unfit(noGpu(vendor, wish));
  const objections = own.map((gpu) => ({ gpu, objection: objectionTo(gpu, variant) }));
  const fitting = objections.filter(({ objection }) => objection === undefined);
  if (fitting.length === 0) return unfit(objections.map(({ objection }) => objection).join("; "));
  const gpus = fitting.map(({ gpu }) => gpu.id);
  return { fits: true, because: `${describe(fitting[0]?.gpu)}: ${variant.because}`, gpus };
}

const unfit = (because: string): Judgement => ({ fits: false, because, gpus: [] });

const makers = { nvidia: "NVIDIA", amd: "AMD" } as const;

function noGpu(vendor: "nvidia" | "amd", wish: GpuWish): string {
  if (wish === "none")
    return `it needs ${article(vendor)} GPU, and \`gpus: none\` keeps it off them`;
  const among = wish === "any" ? "the engine offers none" : `${wish.join(", ")} is none of them`;
  return `it needs ${article(vendor)} GPU, ${among}`;
}

const article = (vendor: "nvidia" | "amd"): string => `an ${makers[vendor]}`;

/** Why a GPU does not do; undefined when it does. */
function objectionTo(gpu: MachineGpu, { when }: Variant): string | undefined {
  const gibibytes = gpu.memoryBytes === undefined ? undefined : String(gpu.memoryBytes / 1024 ** 3);
  const facts: readonly (readonly [string, Range | undefined, string | undefined])[] = [
    ["compute capability", when.compute, gpu.compute],
    ["driver", when.driver, gpu.driver],
    ["GiB of memory", when.vram, gibibytes],
  ];
  for (const [what, range, value] of facts) {
    if (range === undefined) continue;
    if (value === undefined)
      return `${gpu.name} does not tell its ${what}, which must be ${formatRange(range)}`;
    if (!isWithin(range, value))
      return `${gpu.name} has ${what} ${shown(value)}, which must be ${formatRange(range)}`;
  }
  return undefined;
}

const shown = (value: string): string => value.replace(/(\.\d)\d{3,}$/, "$1");

/** `NVIDIA L4 (compute capability 8.9, driver 580.65.06, 23 GiB)`. */
function describe(gpu: MachineGpu | undefined): string {
  if (!gpu) return "";
  const { name, compute, driver, memoryBytes } = gpu;
  const facts = [
    ...(compute === undefined ? [] : [`compute capability ${compute}`]),
    ...(driver === undefined ? [] : [`driver ${driver}`]),
    ...(memoryBytes === undefined ? [] : [`${Math.round(memoryBytes / 1024 ** 3)} GiB`]),
  ];
  return facts.length === 0 ? name : `${name} (${facts.join(", ")})`;
}
