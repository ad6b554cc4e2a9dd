/** Why software that was given a GPU does not use it: the known reasons, and what mends each. Pure. */
import type { LogLine } from "../engine/engine.ts";
import type { Clue } from "./clues.ts";

const cgroups =
  'it comes back with `nexus restart`, and is lost again at the next `systemctl daemon-reload` unless the engine uses `"exec-opts": ["native.cgroupdriver=cgroupfs"]` in /etc/docker/daemon.json, or CDI';

const reasons: readonly (readonly [pattern: RegExp, clue: Clue])[] = [
  [
    /Driver\/library version mismatch/i,
    {
      message: "the driver was changed under the running kernel module",
      remedy:
        "Reboot the engine's machine, or reload its NVIDIA kernel modules; then `nexus restart` it.",
    },
  ],
  [
    /Failed to initialize NVML|failed to get device context|Unable to determine the device handle/i,
    {
      message: "its container lost access to the GPU",
      remedy: `Run \`nexus restart\` for it: ${cgroups}.`,
    },
  ],
  [
    /driver version is insufficient|driver (?:is )?too old|CUDA driver.{0,20}outdated|forward compatibility/i,
    {
      message: "the driver is too old for its image",
      remedy:
        "Update the driver (`nexus gpu ls` shows its version), or use an image for an older CUDA.",
    },
  ],
  // Before memory: whoever sees no GPU has offloaded nothing to it either.
  [
    /no compatible GPUs were discovered|no CUDA-capable device|no GPU (?:found|detected)|library=cpu/i,
    {
      message: "it found no GPU that it can use",
      remedy:
        "Compare the driver and the compute capability (`nexus gpu ls`) with what its image is made for.",
    },
  ],
  [
    /out of memory|insufficient (?:vram|memory)|offloaded 0\/|model requires more/i,
    {
      message: "its model does not fit into the GPU's memory",
      remedy:
        "Take a smaller model or a shorter context, or give it a larger share with `vram`; `nexus gpu ls` shows what is left.",
    },
  ],
];

/** The reason that its lines give away; without one, those that it usually is. */
export function gpuReason(logs: readonly LogLine[]): Clue {
  const known = reasons.find(([pattern]) => logs.some(({ text }) => pattern.test(text)))?.[1];
  return (
    known ?? {
      message: "",
      remedy: `Known reasons: the model is too large for the GPU's memory; the driver is older than the image needs or was updated without a reboot (\`nexus gpu ls\` shows it); or the GPU was lost, then ${cgroups}. To compute on the CPU on purpose, set \`gpus: none\`.`,
    }
  );
}
