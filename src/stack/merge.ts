/** Lays a stack file's service over its template, as Compose's `extends` does. Pure. */
import { isRecord } from "./record.ts";
import type { ServiceSpec } from "./schema/service.ts";

/** Maps whose entries are laid over each other. */
const maps = new Set([
  "environment",
  "labels",
  "depends_on",
  "healthcheck",
  "probe",
  "metadata",
  "dialects",
]);

/** Lists that are joined, each entry once. */
const sets = new Set([
  "cap_add",
  "cap_drop",
  "group_add",
  "secrets",
  "env_file",
  "extra_hosts",
  "profiles",
]);

/** Lists of which an entry replaces the one for the same target. */
const targeted = new Set(["volumes", "tmpfs", "ports", "devices"]);

/** The template's service with everything that the stack file says laid over it; what is neither map nor set is replaced. */
export function mergeService(template: ServiceSpec, own: ServiceSpec): ServiceSpec {
  const merged: Record<string, unknown> = { ...withoutRivals(template, own) };
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined) merged[name] = mergeKey(name, merged[name], value);
  }
  return merged;
}

/** An image of one's own replaces a template's build, and the other way round. */
function withoutRivals(template: ServiceSpec, own: ServiceSpec): ServiceSpec {
  if (own.image === undefined && own.build === undefined) return template;
  const { image: _, build: __, ...rest } = template;
  return rest;
}

function mergeKey(key: string, below: unknown, above: unknown): unknown {
  if (maps.has(key) && isRecord(below) && isRecord(above)) return { ...below, ...above };
  if (!Array.isArray(below) || !Array.isArray(above)) return above;
  if (sets.has(key)) return unique([...below, ...above]);
  return targeted.has(key) ? byTarget(below, above) : above;
}

function byTarget(below: readonly unknown[], above: readonly unknown[]): readonly unknown[] {
  const replaced = new Set(above.map(targetOf));
  return [...below.filter((entry) => !replaced.has(targetOf(entry))), ...above];
}

/** What an entry is for: a path, a device, or a port with its protocol. */
function targetOf(entry: unknown): string {
  return isRecord(entry)
    ? JSON.stringify([entry["target"], entry["protocol"]])
    : JSON.stringify(entry);
}

function unique(values: readonly unknown[]): readonly unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
