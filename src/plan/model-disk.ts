/** Whether a service keeps its models where the engine keeps its volumes. Pure. */
import type { ContainerService, Stack } from "../stack/stack.ts";

/** False where a folder of the host, or a volume of another driver or with options, may hold them: its room is not known. */
export function keepsOnEngineDisk(
  { mounts }: Pick<ContainerService, "mounts">,
  { volumes }: Pick<Stack, "volumes">,
): boolean {
  const elsewhere = volumes.filter(
    ({ driver = "local", driverOpts }) => driver !== "local" || Object.keys(driverOpts).length > 0,
  );
  return mounts.every(
    (mount) =>
      mount.kind === "tmpfs" ||
      mount.readOnly ||
      (mount.kind === "volume" && !elsewhere.some(({ name }) => name === mount.source)),
  );
}
