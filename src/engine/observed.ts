/** What an engine has, as a snapshot in our words. */
import type { Limits, PortBinding, RestartPolicy } from "../stack/stack.ts";
import type { GpuDevices, Identity } from "./engine.ts";
import type { GpuNote } from "./gpu.ts";

/** What a container is doing. */
export type ContainerState =
  | "created"
  | "running"
  | "restarting"
  | "paused"
  | "exited"
  | "removing"
  | "dead";

/** A container as the engine has it now. */
export type ObservedContainer = Readonly<{
  id: string;
  name: string;
  /** Undefined for a container that is not ours. */
  identity?: Identity;
  image: string;
  imageId: string;
  state: ContainerState;
  /** 0 while it has not exited. */
  exitCode: number;
  oomKilled: boolean;
  /** The engine's own words when a start failed, else empty. */
  error: string;
  /** The image's or request's health check, when there is one. */
  health?: "starting" | "healthy" | "unhealthy";
  /** ISO 8601, engine clock; empty when it never started. */
  startedAt: string;
  finishedAt: string;
  restartCount: number;
  restart: RestartPolicy;
  limits: Limits;
  networks: readonly Readonly<{ id: string; name: string; aliases: readonly string[] }>[];
  /** Volume names mounted. */
  volumes: readonly string[];
  ports: readonly PortBinding[];
  gpus?: GpuDevices;
  /** What it was created with in mind; absent where it wants no GPU, or an older Nexus made it. */
  gpuNote?: GpuNote;
  /** What `inspect` says of the hardening, for comparing intent with effect. */
  security: Readonly<{
    readOnly: boolean;
    privileged: boolean;
    noNewPrivileges: boolean;
    capAdd: readonly string[];
    capDrop: readonly string[];
    user: string;
  }>;
}>;

/** A container of somebody else's: only what is needed to explain a conflict. */
export type ForeignContainer = Readonly<{
  id: string;
  name: string;
  image: string;
  running: boolean;
  /** ISO 8601, engine clock. */
  createdAt: string;
  ports: readonly PortBinding[];
  /** Names of the volumes that it mounts. */
  volumes: readonly string[];
  /** The stack or Compose project it says it belongs to. */
  owner?: string;
  /** The service of that stack, when Nexus made it. */
  service?: string;
  /** Where its Compose project lies, when Compose made it. */
  compose?: Readonly<{
    project: string;
    service: string;
    /** Absolute paths of the machine on which Compose ran. */
    directory: string;
    files: readonly string[];
  }>;
  gpuNote?: GpuNote;
}>;

export type ObservedNetwork = Readonly<{
  id: string;
  name: string;
  stack?: string;
  internal: boolean;
  /** Ids of the containers attached. */
  containers: readonly string[];
}>;

export type ObservedVolume = Readonly<{
  name: string;
  stack?: string;
  driver: string;
  labels: Readonly<Record<string, string>>;
  createdAt: string;
}>;

export type ObservedImage = Readonly<{
  id: string;
  digests: readonly string[];
  architecture: string;
  os: string;
  sizeBytes: number;
}>;

/** One snapshot of everything a plan needs to know, taken in parallel calls. */
export type Observed = Readonly<{
  /** Containers that carry this stack's label. */
  containers: readonly ObservedContainer[];
  /** All others. */
  foreign: readonly ForeignContainer[];
  /** Networks that carry this stack's label, and those of the same name that do not. */
  networks: readonly ObservedNetwork[];
  volumes: readonly ObservedVolume[];
  /** By the reference asked for; absent when the engine does not have it. */
  images: Readonly<Record<string, ObservedImage>>;
}>;
