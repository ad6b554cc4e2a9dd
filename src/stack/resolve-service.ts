/** Turns a complete service spec into the service that is planned with. Pure. */
import { probeSchema } from "../gateway/config.ts";
import { type FullSpec, withDefaults } from "./defaults.ts";
import type { Gathered } from "./gather.ts";
import type { Variables } from "./interpolate.ts";
import type { Member } from "./members.ts";
import { resolveMounts } from "./resolve-mounts.ts";
import { resolveSecrets } from "./resolve-secrets.ts";
import type { GpuSpec } from "./schema/network.ts";
import type { DependencySpec } from "./schema/process.ts";
import type { ServiceSpec } from "./schema/service.ts";
import type { VolumeSpec } from "./schema/storage.ts";
import { placeOf } from "./source.ts";
import type {
  ContainerService,
  DependencyCondition,
  ExternalService,
  GpuRequest,
  Healthcheck,
  ImageSource,
  Limits,
  RestartPolicy,
  Service,
} from "./stack.ts";

/** What all services of a stack share. */
export type Surroundings = Readonly<{
  stack: string;
  directory: string;
  variables: Variables;
  volumes: Readonly<Record<string, VolumeSpec>>;
  secrets: Readonly<Record<string, string>>;
  /** Names of the services that are part of the stack now. */
  active: ReadonlySet<string>;
  /** Names of those that are done when they exit. */
  jobs: ReadonlySet<string>;
}>;

/** A service without a port that is not restarted is a job: done when it exits 0. */
export function isJob(spec: ServiceSpec): boolean {
  return spec.port === undefined && spec.external === undefined && spec.restart === "no";
}

/** Resolves one service that has passed every check. */
export function resolveService(member: Member, gathered: Gathered, around: Surroundings): Service {
  return member.spec.external === undefined
    ? resolveContainer(member, gathered, around)
    : resolveExternal(member, member.spec.external, around);
}

function resolveExternal(member: Member, external: string, around: Surroundings): ExternalService {
  const spec = withDefaults(member.spec);
  return {
    kind: "external",
    url: new URL(external).origin,
    ...resolveServed(member, spec, around),
  };
}

type Shared = Omit<ExternalService, "kind" | "url">;

function resolveServed(member: Member, spec: FullSpec, around: Surroundings): Shared {
  const { file, line } = placeOf(member.file.source, ["services", member.name]);
  return {
    name: member.name,
    origin: `${file}:${line}`,
    provides: spec.provides,
    models: spec.models,
    ...(spec.probe ? { probe: probeSchema.parse(spec.probe) } : {}),
    ready: spec.ready,
    stallTimeoutMs: spec.stall_timeout,
    apiPath: spec.api_path,
    ...defined({
      metricsPath: spec.metrics_path,
      maxConcurrency: spec.max_concurrency,
      streamUsage: spec.stream_usage,
      metadata: spec.metadata,
      dialects: spec.dialects,
      release: spec.release,
    }),
    dependsOn: Object.entries(spec.depends_on ?? {})
      .filter(([service]) => around.active.has(service))
      .map(([service, dependency]) => ({
        service,
        condition: conditionOf(dependency, around.jobs.has(service)),
      })),
  };
}

function conditionOf({ condition }: DependencySpec, isJobDone: boolean): DependencyCondition {
  if (condition === "service_started") return "started";
  return condition === "service_completed_successfully" || isJobDone ? "completed" : "ready";
}

function resolveContainer(
  member: Member,
  gathered: Gathered,
  around: Surroundings,
): ContainerService {
  const spec = withDefaults(member.spec);
  return {
    kind: "container",
    ...resolveServed(member, spec, around),
    image: imageOf(member.name, spec, gathered, around.stack),
    environment: environmentOf(spec, gathered, around.variables),
    ...resolveProcess(spec),
    mounts: resolveMounts(spec, around.stack, around.volumes),
    ports: (spec.ports ?? []).map((port) => ({
      hostIp: port.host_ip,
      hostPort: port.published,
      containerPort: port.target,
      protocol: port.protocol,
    })),
    ...resolveVariant(member),
    gpus: gpusOf(spec.gpus),
    ...defined({
      gpuCheck: spec.gpu_check,
      signatures: spec.signatures,
      vramArgument: spec.vram_argument,
    }),
    ...resolveLimits(spec),
    devices: (spec.devices ?? []).map((device) => ({
      host: device.source,
      container: device.target,
      permissions: device.permissions,
    })),
    groupAdd: spec.group_add ?? [],
    extraHosts: spec.extra_hosts ?? [],
    labels: spec.labels ?? {},
    stopGraceMs: spec.stop_grace_period,
    stableMs: spec.stable_for,
    egress: spec.egress,
    ...resolveSecrets(member.name, spec, around),
    modelPull: spec.model_pull ?? (spec.probe?.models === "ollama" ? "ollama" : "none"),
    oneShot: isJob(spec),
  };
}

/** What the choice of a template's variant says of a service. */
function resolveVariant({ template }: Member): Pick<ContainerService, "unfit" | "fittingGpus"> {
  if (!template) return {};
  const { choice } = template;
  if (choice.kind === "chosen") return choice.gpus.length > 0 ? { fittingGpus: choice.gpus } : {};
  return {
    unfit: choice.considered.map(({ variant, because }) => `${variant}: ${because}`).join("; "),
  };
}

type Process = Pick<
  ContainerService,
  | "template"
  | "port"
  | "entrypoint"
  | "command"
  | "user"
  | "workingDir"
  | "readOnly"
  | "init"
  | "capAdd"
  | "restart"
  | "healthcheck"
>;

function resolveProcess(spec: FullSpec): Process {
  const dropped = new Set(spec.cap_drop ?? []);
  return {
    ...defined({
      template: spec.template,
      port: spec.port,
      entrypoint: spec.entrypoint,
      command: spec.command,
      user: spec.user,
      workingDir: spec.working_dir,
    }),
    readOnly: spec.read_only,
    init: spec.init,
    capAdd: (spec.cap_add ?? []).filter((name) => !dropped.has(name) && !dropped.has("ALL")),
    restart: restartOf(spec.restart),
    ...(spec.healthcheck ? { healthcheck: healthcheckOf(spec.healthcheck) } : {}),
  };
}

function resolveLimits(
  spec: FullSpec,
): Pick<ContainerService, "limits" | "vramBytes" | "shmBytes"> {
  const limits: Limits = {
    ...defined({ memoryBytes: spec.mem_limit, cpus: spec.cpus }),
    pids: spec.pids_limit,
  };
  return { limits, ...defined({ vramBytes: spec.vram, shmBytes: spec.shm_size }) };
}

function imageOf(service: string, spec: FullSpec, { build }: Gathered, stack: string): ImageSource {
  if (spec.image === undefined && build) {
    return {
      kind: "build",
      ref: `nexus-build/${stack}-${service}:${build.contentHash.slice(0, 12)}`,
      build,
    };
  }
  const policy =
    spec.pull_policy === "if_not_present" ? "missing" : (spec.pull_policy ?? "missing");
  return { kind: "pull", ref: spec.image ?? "", pullPolicy: policy };
}

/** Env files first, then `environment`; a name without a value is taken from the user's environment, or is not set. */
function environmentOf(
  spec: ServiceSpec,
  { environment }: Gathered,
  variables: Variables,
): Readonly<Record<string, string>> {
  const all = new Map([...environment].map(([name, { value }]) => [name, value]));
  for (const [name, given] of Object.entries(spec.environment ?? {})) {
    const value = given ?? variables.get(name)?.value;
    if (value === undefined) all.delete(name);
    else all.set(name, value);
  }
  return Object.fromEntries(all);
}

function gpusOf(spec: GpuSpec): GpuRequest {
  if (typeof spec === "number") return { kind: "count", count: spec };
  return typeof spec === "string" ? { kind: spec } : { kind: "ids", ids: spec };
}

const policies = ["no", "always", "unless-stopped", "on-failure"] as const;

function restartOf(text: string): RestartPolicy {
  const [word, count] = text.split(":");
  const name = policies.find((policy) => policy === word) ?? "no";
  return count === undefined ? { name } : { name, maximumRetryCount: Number(count) };
}

function healthcheckOf(spec: NonNullable<ServiceSpec["healthcheck"]>): Healthcheck {
  const { test, interval, timeout, start_period: startPeriod, retries } = spec;
  return {
    test,
    ...defined({ intervalMs: interval, timeoutMs: timeout, startPeriodMs: startPeriod, retries }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined. */
function defined<T extends object>(values: T): Defined<T>;
function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
