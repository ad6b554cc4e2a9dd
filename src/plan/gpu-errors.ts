/** Why a service cannot have the GPUs that it asks for. */
import type { EngineDescription, Gpu } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { leftBytes, type Slot } from "./gpu-slots.ts";
import { gpuName, slotText } from "./gpu-words.ts";

/** A service asks for GPUs by name or number, and the engine can give none, or not those. */
export class NoGpuError extends NexusError {
  readonly code = "NEXUS_NO_GPU";
  readonly exitCode = exitCodes.resources;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(
    service: string,
    wanted: string,
    there: Readonly<{
      engine: EngineDescription;
      gpus: readonly Gpu[];
      /** Those among them that its image is not made for. */
      unfit?: readonly Gpu[];
    }>,
  ) {
    const { engine, gpus, unfit = [] } = there;
    const objection =
      unfit.length === 0
        ? offer(engine, gpus)
        : `its image is not made for ${unfit.map(gpuName).join(", ")}`;
    super(`${service} asks for ${wanted}, but ${objection}.`);
    this.remedy =
      gpus.length > 0
        ? chooseOther(service, gpus)
        : `${install(engine)} Or set \`gpus: auto\` for ${service}, which falls back to the CPU.`;
    this.details = { service, wanted, gpus: gpus.map(({ id }) => id) };
  }
}

/** The services of the stack want more of the GPUs than there is. */
export class GpuOverbookedError extends NexusError {
  readonly code = "NEXUS_GPU_OVERBOOKED";
  readonly exitCode = exitCodes.resources;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(
    service: string,
    wanted: string,
    there: Readonly<{ slots: readonly Slot[]; alternatives: readonly string[] }>,
  ) {
    const { slots, alternatives } = there;
    super(`${service} asks for ${wanted}, which does not fit: ${slots.map(slotText).join("; ")}.`);
    this.remedy = `${capitalized(alternatives.join("; or "))}; then run \`nexus plan\`.`;
    const tenants = slots.flatMap((slot) => [...slot.tenants, ...slot.others]);
    const left = slots.map((slot) => ({ gpu: slot.gpu.id, leftBytes: leftBytes(slot) }));
    this.details = { service, wanted, tenants, left, alternatives };
  }
}

/** A service asks by name for a GPU that is cordoned. */
export class GpuCordonedError extends NexusError {
  readonly code = "NEXUS_GPU_CORDONED";
  readonly exitCode = exitCodes.resources;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(service: string, wanted: string, cordoned: readonly Slot[]) {
    super(`${service} asks for ${wanted}, but ${cordoned.map(slotText).join("; ")}.`);
    const ids = cordoned.map(({ gpu }) => gpu.id);
    this.remedy = `Ask for another one, or give it free again with \`nexus gpu uncordon ${ids[0] ?? ""}\`.`;
    this.details = { service, wanted, cordoned: ids };
  }
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

function offer(engine: EngineDescription, gpus: readonly Gpu[]): string {
  if (gpus.length > 0) return `the engine has ${gpus.map(gpuName).join(", ")}`;
  if (engine.gpuKinds.length === 0) return "the engine has no way to give a container a GPU";
  return "no GPU answers in a container";
}

function chooseOther(service: string, gpus: readonly Gpu[]): string {
  return `Name one of these under \`services.${service}.gpus\` (${gpus.map(({ id }) => id).join(", ")}), or set \`gpus: auto\`; then run \`nexus plan\`.`;
}

const packages: readonly (readonly [RegExp, string])[] = [
  [/debian|ubuntu|mint|pop!/i, "sudo apt-get install nvidia-container-toolkit"],
  [/fedora|red hat|rhel|centos|rocky|alma|amazon/i, "sudo dnf install nvidia-container-toolkit"],
  [/suse/i, "sudo zypper install nvidia-container-toolkit"],
  [/arch|manjaro/i, "sudo pacman -S nvidia-container-toolkit"],
];

function install(engine: EngineDescription): string {
  if (engine.virtualMachine) {
    return "Only Docker Desktop on Windows with WSL 2 passes GPUs on: check `docker run --rm --gpus all ubuntu nvidia-smi` there.";
  }
  const found = packages.find(([distribution]) => distribution.test(engine.system));
  const get = found ? `\`${found[1]}\`` : "the `nvidia-container-toolkit` package";
  return `Check the driver with \`nvidia-smi\`, install ${get}, then ${register(engine)}.`;
}

function register({ kind }: EngineDescription): string {
  return kind === "podman"
    ? "run `sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`"
    : "run `sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker`";
}
