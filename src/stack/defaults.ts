/** What a service is when nobody says otherwise. Pure. */
import type { ServiceSpec } from "./schema/service.ts";

type Filled =
  | "provides"
  | "models"
  | "ready"
  | "stall_timeout"
  | "restart"
  | "init"
  | "read_only"
  | "pids_limit"
  | "gpus"
  | "egress"
  | "stop_grace_period"
  | "stable_for"
  | "api_path";

/** A service with every default filled in. */
export type FullSpec = Readonly<
  Omit<ServiceSpec, Filled> & { [K in Filled]: Exclude<ServiceSpec[K], undefined> }
>;

/** Fills in what a service leaves out. */
export function withDefaults(spec: ServiceSpec): FullSpec {
  return { ...spec, ...containerDefaults(spec), ...sharedDefaults(spec) };
}

/** What every service has, external ones too. */
export const sharedKeys = [
  "provides",
  "models",
  "ready",
  "stall_timeout",
  "api_path",
  "probe",
] as const;

function sharedDefaults(
  spec: ServiceSpec,
): Pick<FullSpec, "provides" | "models" | "ready" | "stall_timeout" | "api_path" | "probe"> {
  const speaksHttp = spec.port !== undefined || spec.external !== undefined;
  return {
    provides: spec.provides ?? [],
    models: spec.models ?? [],
    ready: spec.ready ?? (speaksHttp ? "ready" : "running"),
    stall_timeout: spec.stall_timeout ?? 120_000,
    api_path: apiPathOf(spec),
    ...(speaksHttp ? { probe: probeOf(spec) } : {}),
  };
}

function containerDefaults(
  spec: ServiceSpec,
): Pick<
  FullSpec,
  | "restart"
  | "init"
  | "read_only"
  | "pids_limit"
  | "gpus"
  | "egress"
  | "stop_grace_period"
  | "stable_for"
> {
  return {
    restart: spec.restart ?? "unless-stopped",
    init: spec.init ?? true,
    read_only: spec.read_only ?? false,
    pids_limit: spec.pids_limit ?? 4096,
    gpus: spec.gpus ?? "none",
    egress: spec.egress ?? true,
    stop_grace_period: spec.stop_grace_period ?? 10_000,
    stable_for: spec.stable_for ?? 300,
  };
}

/** The gateway when nobody says otherwise; memory in bytes. */
export const gatewayDefaults = {
  port: 8800,
  observability_port: 8801,
  host: "127.0.0.1",
  mem_limit: 512 * 1024 ** 2,
  pids: 1024,
} as const;

/** The path of an external URL is the prefix of its API. */
function apiPathOf({ api_path: given, external }: ServiceSpec): string {
  if (given !== undefined) return given;
  const path = external === undefined ? "" : new URL(external).pathname.replace(/\/+$/, "");
  return path === "" ? "/v1" : path;
}

/** The contract's probe; an external endpoint without one is asked for its models. */
function probeOf(spec: ServiceSpec): NonNullable<ServiceSpec["probe"]> {
  const declares = (spec.models ?? []).length > 0;
  const lists = spec.external !== undefined || declares ? "openai" : "none";
  const path = spec.external === undefined ? "/readyz" : `${apiPathOf(spec)}/models`;
  return { path, status: [200], loading: [503], models: lists, ...spec.probe };
}
