/** Why a service cannot have the GPUs that it asks for. */
import type { EngineDescription, Gpu } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";

/** A service asks for GPUs by name or number, and the engine can give none, or not those. */
export class NoGpuError extends NexusError {
  readonly code = "NEXUS_NO_GPU";
  readonly exitCode = exitCodes.resources;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(
    service: string,
    wanted: string,
    there: Readonly<{ engine: EngineDescription; gpus: readonly Gpu[] }>,
  ) {
    const { engine, gpus } = there;
    super(`${service} asks for ${wanted}, but ${offer(engine, gpus)}.`);
    this.remedy =
      gpus.length > 0
        ? chooseOther(service, gpus)
        : `${install(engine)} Or set \`gpus: auto\` for ${service}, which falls back to the CPU.`;
    this.details = { service, wanted, gpus: gpus.map(({ id }) => id) };
  }
}

/** Who holds a GPU; `vramBytes` is undefined when the service takes it whole. */
export type GpuTenant = Readonly<{ gpu: string; service: string; vramBytes?: number }>;

/** The services of the stack want more of the GPUs than there is. */
export class GpuOverbookedError extends NexusError {
  readonly code = "NEXUS_GPU_OVERBOOKED";
  readonly exitCode = exitCodes.resources;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(
    service: string,
    wanted: string,
    there: Readonly<{ gpus: readonly Gpu[]; tenants: readonly GpuTenant[] }>,
  ) {
    const taken = there.gpus.map((gpu) => `${nameOf(gpu)} ${holders(gpu, there.tenants)}`);
    super(`${service} asks for ${wanted}, which does not fit: ${taken.join("; ")}.`);
    this.remedy = `Declare \`vram:\` on every service that may share a GPU, ask for fewer, or set \`gpus: auto\` for ${service}; then run \`nexus plan\`.`;
    this.details = { service, wanted, tenants: there.tenants };
  }
}

/** `8 GiB`, with one decimal where it matters. */
export function gibibytes(bytes: number): string {
  return `${Number((bytes / 1024 ** 3).toFixed(1))} GiB`;
}

function offer(engine: EngineDescription, gpus: readonly Gpu[]): string {
  if (gpus.length > 0) return `the engine has ${gpus.map(nameOf).join(", ")}`;
  if (engine.gpuKinds.length === 0) return "the engine has no way to give a container a GPU";
  return "no GPU answers in a container";
}

function nameOf({ id, name, memoryBytes }: Gpu): string {
  return `${name} ${id}${memoryBytes === undefined ? "" : ` (${gibibytes(memoryBytes)})`}`;
}

function holders(gpu: Gpu, tenants: readonly GpuTenant[]): string {
  const held = tenants.filter((tenant) => tenant.gpu === gpu.id);
  if (held.length === 0) return "is free";
  return `is held by ${held.map(({ service, vramBytes }) => `${service} (${vramBytes === undefined ? "all of it" : gibibytes(vramBytes)})`).join(" and ")}`;
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
