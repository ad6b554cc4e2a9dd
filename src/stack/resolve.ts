/** Turns the files of a stack into the stack that is planned with. Pure. */
import { declaredModels, resolveAliases } from "./aliases.ts";
import { basename, resolve } from "node:path";
import { plainApiWarnings } from "./check-gateway-url.ts";
import { checkMembers, checkStack } from "./check.ts";
import { gatewayDefaults } from "./defaults.ts";
import type { Gathered } from "./gather.ts";
import type { Variables } from "./interpolate.ts";
import type { Member } from "./members.ts";
import type { Problem } from "./problem.ts";
import { resolveVolumes } from "./resolve-mounts.ts";
import { isJob, resolveService, type Surroundings } from "./resolve-service.ts";
import type { GatewaySpec } from "./schema/stack-file.ts";
import type { VolumeSpec } from "./schema/storage.ts";
import type { StackFile } from "./stack-file.ts";
import type { GatewaySettings, Service, Stack } from "./stack.ts";

/** Everything that was read. */
export type Readings = Readonly<{
  /** Absolute path of the stack file. */
  path: string;
  directory: string;
  /** The stack file itself comes last. */
  files: readonly StackFile[];
  /** Every service, whatever its profiles. */
  members: readonly Member[];
  gathered: ReadonlyMap<string, Gathered>;
  profiles: readonly string[];
  variables: Variables;
}>;

/** The parts of a stack beside its services, with all its files joined. */
export type Joined = Readonly<{
  name: string;
  gateway: GatewaySpec;
  volumes: Readonly<Record<string, VolumeSpec>>;
  /** Absolute path by secret. */
  secrets: Readonly<Record<string, string>>;
}>;

/** The stack, or what is wrong with it; warnings do not stop anything. */
export type Resolution = Readonly<{
  stack: Stack;
  problems: readonly Problem[];
  warnings: readonly string[];
}>;

/** Applies profiles and defaults and checks what the schema cannot see. */
export function resolveStack(readings: Readings): Resolution {
  const { path, directory, gathered, variables } = readings;
  const joined = joinFiles(readings);
  const active = activeMembers(readings);
  const around = {
    stack: joined.name,
    directory,
    variables,
    volumes: joined.volumes,
    secrets: joined.secrets,
    active: new Set(active.map(({ name }) => name)),
    jobs: new Set(active.filter(({ spec }) => isJob(spec)).map(({ name }) => name)),
  };
  const none: Gathered = { environment: new Map(), problems: [] };
  const stack: Stack = {
    name: joined.name,
    file: path,
    directory,
    gateway: resolveGateway(joined.gateway, declaredModels(readings.members)),
    services: active.map((member) =>
      resolveMember(member, gathered.get(member.name) ?? none, around),
    ),
    volumes: resolveVolumes(
      active.flatMap(({ spec, withoutGpu }) => [spec, ...(withoutGpu ? [withoutGpu.spec] : [])]),
      joined.name,
      joined.volumes,
    ),
  };
  const checks = [checkMembers(active, readings), checkStack(joined, active, readings)];
  return {
    stack,
    problems: checks.flatMap(({ problems }) => problems),
    warnings: [...checks.flatMap(({ warnings }) => warnings), ...plainApiWarnings(stack)],
  };
}

/** A service that may get no GPU after all is resolved for that, too. */
function resolveMember(member: Member, gathered: Gathered, around: Surroundings): Service {
  const service = resolveService(member, gathered, around);
  const cpu = member.withoutGpu && resolveService(member.withoutGpu, gathered, around);
  if (service.kind === "external" || cpu?.kind !== "container") return service;
  return { ...service, withoutGpu: cpu };
}

/** The services of the profiles asked for, and those without one. */
export function activeMembers({
  members,
  profiles,
}: Pick<Readings, "members" | "profiles">): readonly Member[] {
  return members.filter(({ spec }) => {
    const own = spec.profiles ?? [];
    return (
      own.length === 0 ||
      profiles.includes("*") ||
      own.some((profile) => profiles.includes(profile))
    );
  });
}

/** Joins everything but the services; what stands in a later file wins. */
export function joinFiles({ files, directory }: Pick<Readings, "files" | "directory">): Joined {
  const specs = files.map(({ spec }) => spec);
  const gateways = files.map(gatewayOf);
  const secrets = files.flatMap(({ spec, source }) =>
    Object.entries(spec.secrets ?? {}).map(([name, { file }]): [string, string] => [
      name,
      resolve(source.directory, file),
    ]),
  );
  const aliases = Object.fromEntries(
    gateways.flatMap((gateway) => Object.entries(gateway.aliases ?? {})),
  );
  const timeouts = Object.assign({}, ...gateways.map((gateway) => gateway.timeouts));
  return {
    name: specs.findLast(({ name }) => name !== undefined)?.name ?? nameOfFolder(directory),
    gateway: {
      ...gateways.reduce<GatewaySpec>((all, gateway) => ({ ...all, ...gateway }), {}),
      aliases,
      timeouts,
    },
    volumes: Object.fromEntries(specs.flatMap(({ volumes }) => Object.entries(volumes ?? {}))),
    secrets: Object.fromEntries(secrets),
  };
}

/** The gateway as a file has it, with the paths in it made absolute. */
function gatewayOf({ spec: { gateway = {} }, source: { directory } }: StackFile): GatewaySpec {
  const { tls, ...others } = gateway;
  if (tls === undefined) return others;
  const files = { cert: resolve(directory, tls.cert), key: resolve(directory, tls.key) };
  return { ...others, tls: files };
}

/** A folder's name made into a stack's name, as Compose does it. */
function nameOfFolder(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, "")
    .replace(/^[_-]+/, "");
  return name.slice(0, 40) || "nexus";
}

/** Who may come to the API, and how. */
function resolveDoor({ cors, tls }: GatewaySpec): Pick<GatewaySettings, "cors" | "tls"> {
  return { ...(cors && { cors }), ...(tls && { tls }) };
}

function resolveGateway(spec: GatewaySpec, models: ReadonlySet<string>): GatewaySettings {
  return {
    port: spec.port ?? gatewayDefaults.port,
    observabilityPort: spec.observability_port ?? gatewayDefaults.observability_port,
    host: spec.host ?? gatewayDefaults.host,
    ...resolveAliases({ aliases: spec.aliases ?? {}, models }),
    ...(spec.gpu_concurrency === undefined ? {} : { gpuConcurrency: spec.gpu_concurrency }),
    ...resolvePatience(spec),
    ...(spec.otlp === undefined ? {} : { otlp: spec.otlp }),
    ...resolveDoor(spec),
    ...(spec.base_image === undefined ? {} : { baseImage: spec.base_image }),
    limits: {
      memoryBytes: spec.mem_limit ?? gatewayDefaults.mem_limit,
      pids: gatewayDefaults.pids,
      ...(spec.cpus === undefined ? {} : { cpus: spec.cpus }),
    },
  };
}

function resolvePatience({
  timeouts: { first_byte: firstByteMs, idle: idleMs, total: totalMs } = {},
  heartbeat: heartbeatMs,
}: GatewaySpec): Pick<GatewaySettings, "timeouts" | "heartbeatMs"> {
  return {
    timeouts: {
      ...(firstByteMs !== undefined && { firstByteMs }),
      ...(idleMs !== undefined && { idleMs }),
      ...(totalMs !== undefined && { totalMs }),
    },
    ...(heartbeatMs !== undefined && { heartbeatMs }),
  };
}
