/** The port to a container engine, in our words. Only src/engine/docker* may know which engine it is. */
import type { Duplex, Readable } from "node:stream";
import type {
  BuildSource,
  DeviceMapping,
  Healthcheck,
  Limits,
  Mount,
  PortBinding,
  RestartPolicy,
} from "../stack/stack.ts";

import type { Gpu, GpuNote } from "./gpu.ts";
import type { Observed, ObservedContainer, ObservedImage, ObservedVolume } from "./observed.ts";

export type { Gpu, GpuNote } from "./gpu.ts";
export type {
  ContainerState,
  ObservedContainer,
  ForeignContainer,
  ObservedNetwork,
  ObservedVolume,
  ObservedImage,
  Observed,
} from "./observed.ts";

/** What a container is for. */
export type Role = "service" | "gateway" | "job";

/** Who a container belongs to; kept as labels, which are the only record of what is deployed. */
export type Identity = Readonly<{
  stack: string;
  service: string;
  role: Role;
  /** Counts replacements of a service, from 1; part of the container's name. */
  generation: number;
  /** `<schema version>-<sha256 hex>` of the request that made it. */
  configHash: string;
  /** Version of Nexus that made it. */
  version: string;
}>;

/** GPUs as the engine is asked for them: already placed, never a count. */
export type GpuDevices = Readonly<
  | { kind: "nvidia"; ids: readonly string[] }
  | { kind: "cdi"; ids: readonly string[] }
  | { kind: "amd"; devices: readonly string[]; groups: readonly string[] }
>;

/** A container as it is asked for. Everything but `identity`, `name` and `gpuNote` is part of the configuration hash. */
export type ContainerRequest = Readonly<{
  name: string;
  identity: Identity;
  image: string;
  entrypoint?: readonly string[];
  command?: readonly string[];
  environment: Readonly<Record<string, string>>;
  user?: string;
  workingDir?: string;
  readOnly: boolean;
  init: boolean;
  capAdd: readonly string[];
  capDrop: readonly string[];
  noNewPrivileges: boolean;
  mounts: readonly Mount[];
  /** Network attached at creation, by key in the plan (its name), and the DNS names it answers to there. */
  network: Readonly<{ name: string; aliases: readonly string[] }>;
  ports: readonly PortBinding[];
  gpus?: GpuDevices;
  gpuNote?: GpuNote;
  devices: readonly DeviceMapping[];
  groupAdd: readonly string[];
  extraHosts: readonly string[];
  limits: Limits;
  shmBytes?: number;
  /** The policy wanted once ready; containers are created with `no` and get this by `update`. */
  restart: RestartPolicy;
  healthcheck?: Healthcheck;
  labels: Readonly<Record<string, string>>;
  stopGraceMs: number;
}>;

export type NetworkRequest = Readonly<{ name: string; stack: string; internal: boolean }>;
export type VolumeRequest = Readonly<{
  name: string;
  /** Undefined for what belongs to the engine as a whole. */
  stack?: string;
  driver?: string;
  driverOpts: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
}>;

/** The engine itself. */
export type EngineDescription = Readonly<{
  /** Stable id of the daemon. */
  id: string;
  kind: "docker" | "podman";
  version: string;
  apiVersion: string;
  /** What its containers run on: `linux` or `windows`. */
  os: string;
  /** What its machine calls itself: `Debian GNU/Linux 12 (bookworm)`. */
  system: string;
  architecture: string;
  cpus: number;
  memoryBytes: number;
  rootless: boolean;
  /** Docker Desktop and other VMs: the engine's loopback is not this machine's. */
  virtualMachine: boolean;
  /** Where it was found: `unix:///var/run/docker.sock (context default)`. */
  endpoint: string;
  /** The engine runs on this machine's kernel, so its files and ports are ours. */
  local: boolean;
  /** How GPUs can be asked for; empty when they cannot. */
  gpuKinds: readonly GpuDevices["kind"][];
  /** CDI devices the engine lists, such as `nvidia.com/gpu=GPU-…`. */
  cdiDevices: readonly string[];
  /** `systemd` where systemd keeps the containers' control groups, `cgroupfs` where the engine does; "" when it does not say. */
  cgroupDriver: string;
  rootDir: string;
  /** Engine clock minus ours, in milliseconds. */
  clockSkewMs: number;
  /** Settings that contradict each other, such as DOCKER_HOST with DOCKER_CONTEXT; in sentences. */
  warnings?: readonly string[];
}>;

/** Progress of a pull: bytes over all layers known so far. */
export type PullProgress = Readonly<{
  status: string;
  downloadedBytes: number;
  totalBytes: number;
  layersDone: number;
  layers: number;
}>;

/** A line of a build's output. */
export type BuildProgress = Readonly<{ line: string }>;

export type LogLine = Readonly<{
  stream: "stdout" | "stderr";
  /** ISO 8601 with nanoseconds, when asked for. */
  timestamp?: string;
  text: string;
}>;

export type LogOptions = Readonly<{
  follow?: boolean;
  timestamps?: boolean;
  /** Number of lines from the end; all when undefined. */
  tail?: number;
  /** ISO 8601 or unix seconds as a string. */
  since?: string;
  until?: string;
}>;

export type EngineEvent = Readonly<{
  type: "container" | "network" | "volume" | "image";
  /** `start`, `die`, `oom`, `health_status: healthy`, `destroy`, … */
  action: string;
  /** Container id, or the object's id or name. */
  id: string;
  name: string;
  attributes: Readonly<Record<string, string>>;
  /** Exit code of a `die`. */
  exitCode?: number;
  /** Nanoseconds since the epoch, engine clock. */
  timeNano: bigint;
}>;

export type ContainerStats = Readonly<{
  cpuPercent: number;
  memoryBytes: number;
  memoryLimitBytes: number;
  networkRxBytes: number;
  networkTxBytes: number;
  pids: number;
}>;

/** A process started inside a running container. */
export interface Execution {
  readonly stdin: Duplex;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves with the exit code when the process has ended. */
  readonly exitCode: Promise<number>;
  resize(size: Readonly<{ columns: number; rows: number }>): Promise<void>;
}

export type ExecOptions = Readonly<{
  tty?: boolean;
  user?: string;
  workingDir?: string;
  environment?: Readonly<Record<string, string>>;
}>;

/** A file to place in a container or an image; `mode` is octal, such as 0o444. */
export type ArchiveEntry = Readonly<
  | { path: string; mode: number; uid?: number; gid?: number; content: Buffer | string }
  | { path: string; mode: number; uid?: number; gid?: number; source: string }
  | { path: string; mode: number; uid?: number; gid?: number; directory: true }
>;

/** A file out of a container. */
export type TakenFile = Readonly<{
  /** From the last name of the path that was asked for on: `carried/a.json` below `/data/carried`. */
  path: string;
  bytes: number;
  content: Readable;
}>;

/** A symbolic link out of a container, which nobody has followed. */
export type TakenLink = Readonly<{
  /** As that of a file. */
  path: string;
  /** What stands in it: it may lead to nothing, or out of what was taken. */
  link: string;
}>;

/** Images. Failures are the classes of engine/errors.ts. */
export interface Images {
  /** Undefined when the engine does not have it. */
  inspect(ref: string): Promise<ObservedImage | undefined>;
  /** Pulls with the credentials of the Docker configuration; ends only when the image is really there. */
  pull(ref: string, signal?: AbortSignal): AsyncIterable<PullProgress>;
  /** Builds from a context on disk, honouring its ignore file, and tags the result. */
  build(
    request: Readonly<{
      ref: string;
      source: BuildSource;
      labels: Readonly<Record<string, string>>;
    }>,
    signal?: AbortSignal,
  ): AsyncIterable<BuildProgress>;
  /** Builds from files held in memory; one of them is `Dockerfile`. */
  assemble(
    request: Readonly<{
      ref: string;
      entries: readonly ArchiveEntry[];
      labels: Readonly<Record<string, string>>;
    }>,
    signal?: AbortSignal,
  ): AsyncIterable<BuildProgress>;
  remove(ref: string): Promise<void>;
  list(label: string): Promise<
    readonly Readonly<{
      id: string;
      refs: readonly string[];
      labels: Readonly<Record<string, string>>;
    }>[]
  >;
}

export interface Networks {
  /** Creates it, merges duplicates of the name, and resolves with the id to attach by. */
  create(request: NetworkRequest): Promise<string>;
  connect(network: string, container: string, aliases: readonly string[]): Promise<void>;
  disconnect(network: string, container: string): Promise<void>;
  /** Does nothing when it is gone. `in-use` is an outcome, not an error: some engines leak endpoint counts. */
  remove(id: string): Promise<"removed" | "in-use">;
}

export interface Volumes {
  /** Creates it or resolves with the one that has the name: compare its labels. */
  create(request: VolumeRequest): Promise<ObservedVolume>;
  inspect(name: string): Promise<ObservedVolume | undefined>;
  list(label: string): Promise<readonly ObservedVolume[]>;
  /** Does nothing when it is gone. Throws VolumeInUseError. */
  remove(name: string): Promise<void>;
}

export interface Containers {
  /** Creates it, attached to `networkId`; resolves with its id. Warnings of the engine that discard a limit are errors. */
  create(request: ContainerRequest, networkId: string): Promise<string>;
  start(id: string): Promise<void>;
  /** Asks, waits `graceMs`, kills; does nothing when it is stopped or gone. */
  stop(id: string, graceMs: number): Promise<void>;
  /** Kills it if it runs and removes it with its anonymous volumes; does nothing when it is gone. */
  remove(id: string): Promise<void>;
  restart(id: string, graceMs: number): Promise<void>;
  update(id: string, change: Readonly<{ limits?: Limits; restart?: RestartPolicy }>): Promise<void>;
  inspect(id: string): Promise<ObservedContainer | undefined>;
  logs(id: string, options: LogOptions, signal?: AbortSignal): AsyncIterable<LogLine>;
  exec(id: string, command: readonly string[], options?: ExecOptions): Promise<Execution>;
  stats(id: string, signal?: AbortSignal): AsyncIterable<ContainerStats>;
  /** Writes files below `path`, through a mount where there is one. */
  put(id: string, path: string, entries: readonly ArchiveEntry[]): Promise<void>;
  /** Reads the files at `path` and below, through a mount where there is one; none where there is nothing. Each is to be read before the next. A file with several names is there under each; symbolic links are told as links. */
  take(id: string, path: string): AsyncIterable<TakenFile | TakenLink>;
}

/** A Docker-compatible daemon. */
export interface Engine {
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly containers: Containers;
  describe(): Promise<EngineDescription>;
  /** One snapshot of the stack's resources, with these images. Under the empty name, which no stack has, all is foreign. */
  observe(stack: string, images: readonly string[]): Promise<Observed>;
  /** Every stack that has something on this engine. */
  stacks(): Promise<readonly string[]>;
  /** Events of the stack from the moment of the call on; ends when `signal` aborts, throws when the engine goes away. */
  events(stack: string, signal: AbortSignal): AsyncIterable<EngineEvent>;
  /** GPUs as a container sees them, by asking in a throw-away container of `image`; empty when there are none. */
  gpus(image: string): Promise<readonly Gpu[]>;
  close(): void;
}
