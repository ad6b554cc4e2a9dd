/** The effective service in the words of the stack file: defaults filled in, sizes and durations as people write them. Pure. */
import { sharedKeys, withDefaults } from "./defaults.ts";
import type { Member } from "./members.ts";
import { formatBytes, formatDuration } from "./quantities.ts";
import type { ServiceSpec } from "./schema/service.ts";
import type { MountSpec } from "./schema/storage.ts";

/** The keys of a service, in the order in which they are printed. */
const order = [
  "template",
  "external",
  "image",
  "pull_policy",
  "build",
  "entrypoint",
  "command",
  "user",
  "working_dir",
  "port",
  "provides",
  "models",
  "model_pull",
  "api_path",
  "ready",
  "probe",
  "stall_timeout",
  "stable_for",
  "metrics_path",
  "max_concurrency",
  "stream_usage",
  "metadata",
  "dialects",
  "depends_on",
  "environment",
  "secrets",
  "gateway_key",
  "volumes",
  "tmpfs",
  "ports",
  "egress",
  "extra_hosts",
  "gpus",
  "vram",
  "vram_argument",
  "gpu_check",
  "release",
  "signatures",
  "mem_limit",
  "cpus",
  "pids_limit",
  "shm_size",
  "devices",
  "group_add",
  "cap_add",
  "cap_drop",
  "read_only",
  "init",
  "healthcheck",
  "restart",
  "stop_grace_period",
  "labels",
  "profiles",
] as const satisfies readonly (keyof ServiceSpec)[];

const sizes = new Set<string>(["mem_limit", "shm_size", "vram", "size"]);
const durations = new Set<string>([
  "stall_timeout",
  "stable_for",
  "stop_grace_period",
  "interval",
  "timeout",
  "start_period",
]);

/** The service that counts, as a stack file could say it; `environment` is the one that the container gets. */
export function effectiveService(
  member: Member,
  environment: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const spec = printable(member.spec, environment);
  const external = member.spec.external !== undefined;
  const shared = new Set<string>([...sharedKeys, "external"]);
  const keys = order.filter(
    (key) => !external || shared.has(key) || member.spec[key] !== undefined,
  );
  const pairs = keys.flatMap((key) => {
    const value = written(key, spec[key]);
    const isLeftOut = isEmpty(value) && member.spec[key] === undefined;
    return value === undefined || isLeftOut ? [] : [[key, value] as const];
  });
  return Object.fromEntries(pairs);
}

/** The whole service, in the forms that are clearest to read. */
function printable(
  spec: ServiceSpec,
  environment: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const dependencies = Object.entries(spec.depends_on ?? {});
  return {
    ...withDefaults(spec),
    environment,
    tmpfs: spec.tmpfs?.map(writeTmpfs),
    depends_on: Object.fromEntries(
      dependencies.map(([name, given]) => [name, { condition: "ready", ...given }]),
    ),
  };
}

/** A value as a stack file writes it. */
function written(key: string, value: unknown): unknown {
  if (typeof value === "number") return writeNumber(key, value);
  if (Array.isArray(value)) return value.map((item) => written(key, item));
  if (typeof value !== "object" || value === null || key === "equals") return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.map(([name, inner]) => [name, isFree(key) ? inner : written(name, inner)]),
  );
}

function writeNumber(key: string, value: number): number | string {
  if (sizes.has(key)) return formatBytes(value);
  if (durations.has(key)) return formatDuration(value);
  return key === "mode" ? value.toString(8) : value;
}

/** Maps whose keys are the user's words, not ours. */
function isFree(key: string): boolean {
  return key === "environment" || key === "labels" || key === "args";
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function writeTmpfs({ target, tmpfs }: MountSpec): string {
  const options = Object.entries(tmpfs ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${writeNumber(name, value)}`],
  );
  return options.length === 0 ? target : `${target}:${options.join(",")}`;
}
