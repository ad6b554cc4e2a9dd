/** Compares what was asked of the engine with what it says it did. Pure. */
import type { ContainerRequest, GpuDevices, ObservedContainer } from "../engine/engine.ts";

/** The ways in which a container differs from its request; empty when the engine did as asked. */
export function differences(request: ContainerRequest, observed: ObservedContainer): string[] {
  const { security, limits } = observed;
  return [
    ...unless(security.readOnly === request.readOnly, "its root file system is writable"),
    ...unless(!security.privileged, "it is privileged"),
    ...unless(security.noNewPrivileges === request.noNewPrivileges, "it may gain privileges"),
    ...unless(
      sameSet(security.capDrop, request.capDrop),
      `it keeps capabilities (dropped: ${list(security.capDrop)})`,
    ),
    ...unless(
      sameSet(security.capAdd, request.capAdd),
      `its added capabilities are ${list(security.capAdd)}`,
    ),
    ...unless(
      limits.memoryBytes === request.limits.memoryBytes,
      "its memory limit is not in force",
    ),
    ...unless(limits.cpus === request.limits.cpus, "its CPU limit is not in force"),
    ...unless(limits.pids === request.limits.pids, "its limit on processes is not in force"),
    ...unless(mountsVolumes(request, observed), "a volume is not mounted"),
    ...unless(sameGpus(request.gpus, observed.gpus), "it has no access to its GPU"),
  ];
}

const unless = (holds: boolean, difference: string) => (holds ? [] : [difference]);
const list = (words: readonly string[]) => (words.length === 0 ? "none" : words.join(" "));

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  const bare = (words: readonly string[]) =>
    words
      .map((word) => word.replace(/^CAP_/, ""))
      .toSorted()
      .join(" ");
  return bare(left) === bare(right);
}

function mountsVolumes({ mounts }: ContainerRequest, { volumes }: ObservedContainer): boolean {
  return mounts.every((mount) => mount.kind !== "volume" || volumes.includes(mount.source));
}

function sameGpus(wanted: GpuDevices | undefined, got: GpuDevices | undefined): boolean {
  if (wanted === undefined) return true;
  if (got?.kind !== wanted.kind) return false;
  if (wanted.kind === "amd") return got.kind === "amd" && sameSet(wanted.devices, got.devices);
  return got.kind !== "amd" && sameSet(wanted.ids, got.ids);
}
