/** Lays a stack file's service over its template, as Compose's `extends` does. Pure. */
import type { ServiceSpec } from "./schema/service.ts";

type Key = keyof ServiceSpec;

/** Maps whose entries are laid over each other. */
const maps: readonly Key[] = ["environment", "labels", "depends_on", "healthcheck", "probe"];

/** Lists that are joined, each entry once. */
const sets: readonly Key[] = [
  "cap_add",
  "cap_drop",
  "group_add",
  "secrets",
  "env_file",
  "extra_hosts",
  "profiles",
];

/** Lists of which an entry replaces the one for the same target. */
const targeted: readonly Key[] = ["volumes", "tmpfs", "ports", "devices"];

/** The template's service with everything that the stack file says laid over it; what is neither map nor set is replaced. */
export function mergeService(template: ServiceSpec, own: ServiceSpec): ServiceSpec {
  const merged: Record<string, unknown> = { ...withoutRivals(template, own) };
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined) merged[name] = mergeKey(name as Key, merged[name], value);
  }
  return merged;
}

/** An image of one's own replaces a template's build, and the other way round. */
function withoutRivals(template: ServiceSpec, own: ServiceSpec): ServiceSpec {
  const { image, build, ...rest } = template;
  if (own.image !== undefined || own.build !== undefined) return rest;
  return {
    ...rest,
    ...(image === undefined ? {} : { image }),
    ...(build === undefined ? {} : { build }),
  };
}

function mergeKey(key: Key, below: unknown, above: unknown): unknown {
  if (below === undefined) return above;
  if (maps.includes(key)) return { ...(below as object), ...(above as object) };
  if (sets.includes(key)) return unique([...(below as unknown[]), ...(above as unknown[])]);
  return targeted.includes(key) ? byTarget(below as Targeted[], above as Targeted[]) : above;
}

type Targeted = Readonly<{ target: string | number; protocol?: string }>;

function byTarget(below: readonly Targeted[], above: readonly Targeted[]): readonly Targeted[] {
  const same = (left: Targeted, right: Targeted): boolean =>
    left.target === right.target && left.protocol === right.protocol;
  return [...below.filter((entry) => !above.some((other) => same(entry, other))), ...above];
}

function unique(values: readonly unknown[]): readonly unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
