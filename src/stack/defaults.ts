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

/** Fills in what a container service leaves out. */
export function withDefaults(spec: ServiceSpec): FullSpec {
  const shared = withSharedDefaults(spec);
  return { ...containerDefaults, ...shared } as FullSpec;
}

/** Fills in what an external service leaves out. */
export function withSharedDefaults(spec: ServiceSpec): ServiceSpec {
  const speaksHttp = spec.port !== undefined || spec.external !== undefined;
  return {
    provides: [],
    models: [],
    ready: speaksHttp ? "ready" : "running",
    stall_timeout: 120_000,
    api_path: apiPathOf(spec),
    ...spec,
    ...(speaksHttp ? { probe: probeOf(spec) } : {}),
  };
}

const containerDefaults = {
  restart: "unless-stopped",
  init: true,
  read_only: false,
  pids_limit: 4096,
  gpus: "none",
  egress: true,
  stop_grace_period: 10_000,
  stable_for: 300,
} as const;

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
