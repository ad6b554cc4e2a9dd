/** What is wanted: the resolved stack, every default filled in, as plain readonly data. */
import type {
  AliasCaps,
  AliasRule,
  DeclaredMetadata,
  Dialects,
  GatewayAliases,
  Probe,
} from "../gateway/config.ts";

/** A kind of work a service does; `/v1/...` endpoints are routed by it when a request names no model. */
export type Capability =
  | "chat"
  | "completion"
  | "messages"
  | "embedding"
  | "rerank"
  | "image"
  | "audio"
  | "tts"
  | "asr"
  | "video"
  | "ocr"
  | "music"
  | "realtime"
  | "tool"
  | "ui";

/** How sure Nexus must be of a service before `up` calls it up; each level includes those before it. */
export type Level = "running" | "reachable" | "ready" | "proven";

/** When a dependent may start (Compose's `depends_on` conditions; `ready` is Nexus's default). */
export type DependencyCondition = "started" | "ready" | "completed";

/** Where a service's image comes from. */
export type ImageSource = Readonly<
  | { kind: "pull"; ref: string; pullPolicy: "missing" | "always" | "never" }
  | { kind: "build"; ref: string; build: BuildSource }
>;

/** A build context on disk; `contentHash` covers every file that is not ignored, the Dockerfile and the args. */
export type BuildSource = Readonly<{
  context: string;
  dockerfile: string;
  args: Readonly<Record<string, string>>;
  target?: string;
  contentHash: string;
}>;

/** A file system inside a container. Volume sources are the full engine names. */
export type Mount = Readonly<
  | { kind: "volume"; source: string; target: string; readOnly: boolean; external: boolean }
  | { kind: "bind"; source: string; target: string; readOnly: boolean }
  | { kind: "tmpfs"; target: string; sizeBytes?: number; mode?: number; uid?: number; gid?: number }
>;

/** A published port: always asked for by the stack file, never by Nexus itself. */
export type PortBinding = Readonly<{
  hostIp: string;
  hostPort: number;
  containerPort: number;
  protocol: "tcp" | "udp";
}>;

/** What is asked of the engine's GPUs: nothing, whatever there is, all, a number of them, or these UUIDs. */
export type GpuRequest = Readonly<
  | { kind: "none" }
  | { kind: "auto" }
  | { kind: "all" }
  | { kind: "count"; count: number }
  | { kind: "ids"; ids: readonly string[] }
>;

/** Compose's restart policies. */
export type RestartPolicy = Readonly<{
  name: "no" | "always" | "unless-stopped" | "on-failure";
  maximumRetryCount?: number;
}>;

/** Limits that can change while the container runs. `cpus` is in cores. */
export type Limits = Readonly<{ memoryBytes?: number; cpus?: number; pids: number }>;

/** A Compose health check; durations in milliseconds. */
export type Healthcheck = Readonly<{
  test: readonly string[];
  intervalMs?: number;
  timeoutMs?: number;
  startPeriodMs?: number;
  retries?: number;
}>;

/** A device node given to a container. */
export type DeviceMapping = Readonly<{ host: string; container: string; permissions: string }>;

/** A secret file as a container sees it: at `/run/secrets/<name>`; `file` is its path on this machine. */
export type SecretFile = Readonly<{ name: string; file: string }>;

/** Software that fetches, lists and removes models when it is told to. */
export type StoreKind = "ollama" | "speaches" | "localai";

/** How declared models are fetched; `none` where the software gets them by itself. */
export type ModelPull = StoreKind | "none";

/** How it is found out whether a service really uses the GPUs that it was given (`gpu_check` of the stack file). */
export type GpuCheck = Readonly<
  | { kind: "ollama" }
  | { kind: "json"; path: string; pointer: string; gpu: readonly string[] }
  | { kind: "logs"; gpu: string; cpu?: string | undefined; partial?: string | undefined }
>;

/** The request that frees a service's GPU memory; `{model}` stands for every model it has loaded. */
export type ReleaseVerb = Readonly<{
  method: "POST" | "DELETE" | "PUT";
  path: string;
  body?: unknown;
}>;

/** A line of a failed service's logs (a regular expression, regardless of case), and what it means. */
export type LogSignature = Readonly<{ pattern: string; message: string; remedy: string }>;

/** The part that container services and external ones share. */
type Served = Readonly<{
  name: string;
  /** Where the definition stands, for messages: `nexus.yaml:12`. */
  origin: string;
  provides: readonly Capability[];
  /** Models that must be present before the service counts as ready. */
  models: readonly string[];
  /** Undefined for a service that does not speak HTTP. */
  probe?: Probe;
  /** The level `up` waits for. */
  ready: Level;
  /** Milliseconds without progress after which waiting ends. */
  stallTimeoutMs: number;
  /** Path prefix of the OpenAI-compatible API behind the service, such as `/v1`. */
  apiPath: string;
  /** Path of its own metrics for Prometheus. */
  metricsPath?: string;
  maxConcurrency?: number;
  /** Whether its streams tell usage when they are asked. */
  streamUsage?: boolean;
  /** What it is said to be when it says nothing of itself. */
  metadata?: DeclaredMetadata;
  dialects?: Dialects;
  release?: ReleaseVerb;
  dependsOn: readonly Readonly<{ service: string; condition: DependencyCondition }>[];
}>;

/** A service that Nexus runs in a container. */
export type ContainerService = Served &
  Readonly<{
    kind: "container";
    image: ImageSource;
    template?: string;
    /** Why no variant of its template fits the engine, as a part of a sentence; nothing can be planned for it. */
    unfit?: string;
    /** Container port that speaks HTTP; undefined for a worker or a one-shot job. */
    port?: number;
    entrypoint?: readonly string[];
    command?: readonly string[];
    environment: Readonly<Record<string, string>>;
    user?: string;
    workingDir?: string;
    readOnly: boolean;
    init: boolean;
    capAdd: readonly string[];
    mounts: readonly Mount[];
    ports: readonly PortBinding[];
    gpus: GpuRequest;
    /** The GPUs that the chosen variant is made for, by id or, where only that is known, by vendor; undefined when any will do. */
    fittingGpus?: readonly string[];
    /** What it is where it gets no GPU after all; undefined where it is the same then. It is `unfit` where it cannot be. */
    withoutGpu?: ContainerService;
    gpuCheck?: GpuCheck;
    signatures?: readonly LogSignature[];
    /** Declared VRAM need in bytes. */
    vramBytes?: number;
    /** The option of its command that takes its part of GPU memory, from 0 to 1. */
    vramArgument?: string;
    limits: Limits;
    shmBytes?: number;
    restart: RestartPolicy;
    healthcheck?: Healthcheck;
    devices: readonly DeviceMapping[];
    groupAdd: readonly string[];
    extraHosts: readonly string[];
    labels: Readonly<Record<string, string>>;
    stopGraceMs: number;
    /** How long a ready container must stay up before it counts, in milliseconds. */
    stableMs: number;
    egress: boolean;
    secrets: readonly SecretFile[];
    /** The key of the gateway that is its own, if it gets one; `up` makes the file. */
    gatewayKey?: SecretFile;
    modelPull: ModelPull;
    /** A one-shot job: it is done when it exits 0. */
    oneShot: boolean;
  }>;

/** An endpoint that Nexus routes to and probes, and does not run. */
export type ExternalService = Served & Readonly<{ kind: "external"; url: string }>;

/** One member of a stack. */
export type Service = ContainerService | ExternalService;

/** Absolute paths of a certificate and its key, both PEM. */
export type CertificateFiles = Readonly<{ cert: string; key: string }>;

/** The gateway as wanted. */
export type GatewaySettings = Readonly<{
  port: number;
  observabilityPort: number;
  host: string;
  aliases: GatewayAliases;
  /** The most that may be asked under some of them. */
  aliasCaps: Readonly<Record<string, AliasCaps>>;
  /** Conditions under which some of them lead elsewhere, in order. */
  aliasRules: Readonly<Record<string, AliasRule[]>>;
  /** Those that refuse requests with tools where no condition holds. */
  aliasesWithoutTools: readonly string[];
  /** Requests that the services on one GPU work on at once; undefined for no such limit. */
  gpuConcurrency?: number;
  /** Limits of a request in milliseconds, total 0 for none; what is missing is the gateway's default. */
  timeouts: Readonly<{ firstByteMs?: number; idleMs?: number; totalMs?: number }>;
  /** Silence in milliseconds after which a waiting stream gets a comment, 0 for never; undefined is the gateway's default. */
  heartbeatMs?: number;
  /** A collector for traces and metrics; undefined exports nothing. */
  otlp?: Readonly<{ endpoint: string }>;
  /** Origins whose web pages may use the API, `*` for all; undefined for none. */
  cors?: readonly string[];
  /** What the API presents; undefined has it speak plain HTTP. */
  tls?: CertificateFiles;
  /** A Node image to build on; undefined lets Nexus assemble one on a local Linux engine, or pull its default. */
  baseImage?: string;
  limits: Limits;
}>;

/** A named volume of the stack; `name` is the full engine name. */
export type Volume = Readonly<{
  name: string;
  key: string;
  external: boolean;
  driver?: string;
  driverOpts: Readonly<Record<string, string>>;
}>;

/** A whole stack, resolved: profiles applied, templates merged, services in file order. */
export type Stack = Readonly<{
  name: string;
  /** Absolute path of the stack file. */
  file: string;
  /** The folder relative paths and `.nexus/` are meant against. */
  directory: string;
  gateway: GatewaySettings;
  services: readonly Service[];
  volumes: readonly Volume[];
}>;
