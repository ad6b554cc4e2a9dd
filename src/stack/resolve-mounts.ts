/** Turns a service's volumes, binds and tmpfs into what the engine mounts. Pure. */
import type { VolumeSpec } from "./schema/storage.ts";
import type { ServiceSpec } from "./schema/service.ts";
import type { MountSpec } from "./schema/storage.ts";
import type { Mount, Volume } from "./stack.ts";

/** Every mount of a service; volumes get their engine names. */
export function resolveMounts(
  spec: ServiceSpec,
  stack: string,
  declared: Readonly<Record<string, VolumeSpec>>,
): readonly Mount[] {
  return [...(spec.volumes ?? []), ...(spec.tmpfs ?? [])].map((mount): Mount => {
    const { target } = mount;
    const readOnly = mount.read_only ?? false;
    if (mount.type === "tmpfs") return { kind: "tmpfs", target, ...resolveTmpfs(mount.tmpfs) };
    if (mount.type === "bind")
      return { kind: "bind", source: mount.source ?? "", target, readOnly };
    const { name, external } = resolveVolume(mount.source ?? "", stack, declared);
    return { kind: "volume", source: name, target, readOnly, external };
  });
}

/** The volumes that the stack declares or its services use, in the order in which they appear. */
export function resolveVolumes(
  specs: readonly ServiceSpec[],
  stack: string,
  declared: Readonly<Record<string, VolumeSpec>>,
): readonly Volume[] {
  const used = specs.flatMap(({ volumes = [] }) => volumes.filter(({ type }) => type === "volume"));
  const keys = new Set([...Object.keys(declared), ...used.map(({ source }) => source ?? "")]);
  return [...keys].map((key) => resolveVolume(key, stack, declared));
}

function resolveVolume(
  key: string,
  stack: string,
  declared: Readonly<Record<string, VolumeSpec>>,
): Volume {
  const spec = declared[key] ?? {};
  const external = spec.external ?? false;
  return {
    name: spec.name ?? (external ? key : `${stack}_${key}`),
    key,
    external,
    ...(spec.driver === undefined ? {} : { driver: spec.driver }),
    driverOpts: spec.driver_opts ?? {},
  };
}

function resolveTmpfs(
  options: MountSpec["tmpfs"],
): Omit<Extract<Mount, { kind: "tmpfs" }>, "kind" | "target"> {
  const { size, mode, uid, gid } = options ?? {};
  return {
    ...(size === undefined ? {} : { sizeBytes: size }),
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}
