/** The GPUs of an engine as they are now: what they are, who holds them, what is left, and which are cordoned. */
import type { Engine, Gpu, Observed } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { type Cordon, cordonName, cordonsIn, cordonVolume } from "../plan/gpu-cordon.ts";
import { tenantsIn } from "../plan/gpu-claims.ts";
import { type GpuTenant, leftBytes } from "../plan/gpu-slots.ts";
import { nearest } from "../stack/nearest.ts";
import { askGpus, rememberedGpus } from "./find-gpus.ts";

/** A GPU with everything that is known of its use. */
export type GpuEntry = Gpu &
  Readonly<{
    /** Services of all stacks that hold it and run, with what they declare. */
    holders: readonly Omit<GpuTenant, "gpu">[];
    /** What is not declared by anybody; unknown where a holder declares nothing. */
    leftBytes?: number;
    cordon?: Omit<Cordon, "gpu">;
  }>;

/** What `nexus gpu ls` shows. */
export type GpuInventory = Readonly<{
  engine: string;
  /** Whether a container was asked; else this is what containers remember. */
  asked: boolean;
  gpus: readonly GpuEntry[];
}>;

type GpuKind = "GPU" | "cordoned GPU";

/** No GPU of the engine, or none that is cordoned, is called so. */
export class UnknownGpuError extends NexusError {
  readonly code = "NEXUS_GPU_UNKNOWN";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(asked: string, known: readonly string[], kind: GpuKind) {
    super(`The engine has no ${kind} that is called ${asked}, or more than one.`);
    const near = nearest(asked, known);
    const list =
      known.length === 0
        ? "It has none that Nexus sees: `nexus doctor` says what is missing."
        : `It has ${known.join(", ")}.`;
    this.remedy = near === undefined ? list : `Did you mean \`${near}\`? ${list}`;
    this.details = { asked, known };
  }
}

/** Looks at the engine. Nothing is changed but for a short-lived container that asks the driver. */
export async function readGpuInventory(engine: Engine): Promise<GpuInventory> {
  const description = await engine.describe();
  const observed = await engine.observe("", []);
  const asked = await askGpus(engine, description);
  const gpus = asked ?? rememberedGpus(observed);
  return {
    engine: description.endpoint,
    asked: asked !== undefined,
    gpus: gpus.map((gpu) => entryOf(gpu, observed)),
  };
}

function entryOf(gpu: Gpu, { foreign, volumes }: Observed): GpuEntry {
  const tenants = tenantsIn(foreign).filter((tenant) => tenant.gpu === gpu.id);
  const cordon = cordonsIn(volumes).find((each) => each.gpu === gpu.id);
  const declared = tenants.every(({ vramBytes }) => vramBytes !== undefined);
  const left = declared ? leftBytes({ gpu, tenants: [], others: tenants }) : undefined;
  return {
    ...gpu,
    holders: tenants.map(({ gpu: _gpu, ...holder }) => holder),
    ...(left === undefined ? {} : { leftBytes: left }),
    ...(cordon && { cordon: { reason: cordon.reason, since: cordon.since } }),
  };
}

/** Keeps a GPU from services that do not have it yet. Throws UnknownGpuError. */
export async function cordonGpu(engine: Engine, asked: string, reason: string): Promise<GpuEntry> {
  const { gpus } = await readGpuInventory(engine);
  const gpu = findGpu(asked, gpus, "GPU");
  if (gpu.cordon) await engine.volumes.remove(cordonName(gpu.id));
  const volume = await engine.volumes.create(cordonVolume(gpu.id, reason));
  return { ...gpu, cordon: { reason, since: volume.createdAt } };
}

/** Gives a GPU free again, also one that is no longer there; resolves with its id. Throws UnknownGpuError. */
export async function uncordonGpu(engine: Engine, asked: string): Promise<string> {
  const { volumes } = await engine.observe("", []);
  const cordons = cordonsIn(volumes).map(({ gpu }) => ({ id: gpu }));
  const { id } = findGpu(asked, cordons, "cordoned GPU");
  await engine.volumes.remove(cordonName(id));
  return id;
}

/** By its id, or a beginning that no other has. */
function findGpu<Known extends Readonly<{ id: string }>>(
  asked: string,
  known: readonly Known[],
  kind: GpuKind,
): Known {
  const plain = asked.slice(asked.indexOf("=") + 1);
  const exact = known.find(({ id }) => id === plain);
  const begun = plain === "" ? [] : known.filter(({ id }) => id.startsWith(plain));
  const found = exact ?? (begun.length === 1 ? begun[0] : undefined);
  if (found) return found;
  throw new UnknownGpuError(
    asked,
    known.map(({ id }) => id),
    kind,
  );
}
