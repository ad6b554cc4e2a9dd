/** Failures because the engine's host lacks something. */
import { NexusError, exitCodes } from "../../errors.ts";

/** No space left on the engine's disk. */
export class DiskFullError extends NexusError {
  readonly code = "NEXUS_DISK_FULL";
  readonly exitCode = exitCodes.resources;
  readonly remedy =
    "Free space on the engine's disk: `docker system df` shows what takes it, `docker image prune` removes unused image layers.";
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(during: string, said: string, cause?: unknown) {
    super(`The engine's disk is full (during ${during}): ${said}`, { cause });
    this.details = { during, engineMessage: said };
  }
}

/** The engine cannot give a GPU to a container. */
export class GpuUnavailableError extends NexusError {
  readonly code = "NEXUS_GPU_UNAVAILABLE";
  readonly exitCode = exitCodes.resources;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(said: string, cause?: unknown) {
    super(`The engine cannot provide the GPU: ${said}`, { cause });
    this.remedy = gpuRemedy(said);
    this.details = { engineMessage: said };
  }
}

function gpuRemedy(said: string): string {
  if (/cdi/i.test(said))
    return "Rewrite the device list with `sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml` and restart the engine.";
  if (/requirement error|unsatisfied condition|update your driver/i.test(said))
    return "The image needs a newer NVIDIA driver: update the driver, or choose an older image tag.";
  if (/driver\/library version mismatch|driver not loaded/i.test(said))
    return "The NVIDIA driver was changed: restart the machine, then try again.";
  if (/\/dev\/(kfd|dri)/.test(said))
    return "The AMD driver's device nodes are missing (`ls -l /dev/kfd /dev/dri`): install amdgpu, or set `gpus: none`.";
  return "Install the NVIDIA Container Toolkit, run `sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker`, or set `gpus: none`.";
}

/** The engine would start the container without a limit that was asked for. */
export class UnsupportedLimitError extends NexusError {
  readonly code = "NEXUS_LIMIT_UNSUPPORTED";
  readonly exitCode = exitCodes.resources;
  readonly remedy =
    "Enable the cgroup controller on the engine's host (rootless: systemd delegation), or take the limit out of the stack file.";

  constructor(container: string, warnings: readonly string[]) {
    super(`The engine would run "${container}" without its limits: ${warnings.join("; ")}`);
  }
}

/** A limit that the engine's host cannot honour, or one below what the container uses already. */
export class LimitRefusedError extends NexusError {
  readonly code = "NEXUS_LIMIT_REFUSED";
  readonly exitCode = exitCodes.resources;
  readonly remedy =
    "Change mem_limit, cpus, cpuset or pids_limit in the stack file to what `docker info` says the host has.";

  constructor(said: string, cause: unknown) {
    super(`The engine refuses a limit: ${said}`, { cause });
  }
}

/** A device node that is to be given to a container does not exist. */
export class DeviceMissingError extends NexusError {
  readonly code = "NEXUS_DEVICE_MISSING";
  readonly exitCode = exitCodes.resources;
  readonly remedy =
    "Look for it with `ls -l /dev` on the engine's host, and correct `devices:` in the stack file.";

  constructor(said: string, cause: unknown) {
    super(`A device is missing on the engine's host: ${said}`, { cause });
  }
}
