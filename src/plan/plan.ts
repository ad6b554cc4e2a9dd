/** The difference between the stack that is wanted and what the engine has, as data. Types only. */
import type {
  ContainerRequest,
  EngineDescription,
  Gpu,
  NetworkRequest,
  Observed,
  VolumeRequest,
} from "../engine/engine.ts";
import type { GatewayConfig, Upstream } from "../gateway/config.ts";
import type { KeyRecord, StackReadiness } from "../gateway/protocol.ts";
import type {
  CertificateFiles,
  BuildSource,
  GpuCheck,
  Level,
  Limits,
  RestartPolicy,
  SecretFile,
  Stack,
  StoreKind,
} from "../stack/stack.ts";

/** What an action costs the people who use the stack. Absent means nothing. */
export type Cost = Readonly<{
  /** The service cannot be reached from here until its replacement is ready. */
  downtime?: boolean;
  /** Open streams to this service are cut. */
  cutsStreams?: boolean;
  /** Bytes to fetch, when known; 0 means some, amount unknown. */
  pullBytes?: number;
  /** What is lost for good; the user is asked first. */
  destroys?: string;
}>;

/** What to wait for, and how patiently. */
export type AwaitTarget = Readonly<{
  level: Level;
  /** Undefined for a service without HTTP: then its process is all there is to judge. */
  upstream?: Upstream;
  stallTimeoutMs: number;
  stableMs: number;
  /** The container exits 0 when its work is done. */
  oneShot: boolean;
  /** Its models are fetched through a store of its own. */
  fetchesModels?: true;
  /** How it is found out whether it uses GPUs, where it was given some; undefined where nobody knows a way. */
  gpuCheck?: GpuCheck;
}>;

type Doing =
  | { kind: "pull"; image: string }
  | { kind: "build"; image: string; build: BuildSource }
  /** Builds the gateway's image, and the Node base that the example template builds on. */
  | { kind: "build-gateway"; image: string }
  | { kind: "create-network"; network: NetworkRequest }
  | { kind: "create-volume"; volume: VolumeRequest }
  | {
      kind: "seed-secrets";
      volume: string;
      image: string;
      user?: string;
      secrets: readonly SecretFile[];
    }
  | { kind: "create"; container: ContainerRequest }
  | {
      kind: "connect";
      container: string;
      network: string;
      aliases: readonly string[];
      reconnect: boolean;
    }
  | { kind: "start"; container: string }
  | { kind: "await"; container?: string; target: AwaitTarget }
  | {
      kind: "pull-model";
      store: StoreKind;
      upstream: Upstream;
      model: string;
      /** All models that the service is to have. */
      declared: readonly string[];
      /** The store's models lie where the engine keeps its volumes, so the room there is theirs. */
      onEngineDisk: boolean;
      stallTimeoutMs: number;
    }
  /** Gives the gateway its configuration, and the certificate that it names with its key. */
  | { kind: "configure"; config: GatewayConfig; certified?: CertificateFiles }
  /** Makes the gateway's first key and keeps it for the user below `folder`, the stack file's. */
  | { kind: "create-key"; name: string; folder: string }
  /** Saves a service's own key below `folder` unless it is there, and has the gateway know it. */
  | { kind: "grant-key"; name: string; folder: string }
  /** Points one upstream of the gateway's configuration at a new container. */
  | { kind: "switch"; upstream: Upstream }
  | { kind: "drain"; url: string }
  | { kind: "update"; container: string; limits?: Limits; restart?: RestartPolicy }
  | { kind: "stop"; container: string; graceMs: number }
  | { kind: "remove"; container: string }
  | { kind: "remove-network"; network: string; networkId: string }
  | { kind: "remove-volume"; volume: string };

/** One step, the reason for it, and the steps it has to wait for. Containers and networks are meant by name. */
export type Action = Readonly<
  {
    /** Unique in its plan and stable between equal plans: `create home-ollama-2`. */
    id: string;
    /** Ids of the actions that must have succeeded before. */
    after: readonly string[];
    because: string;
    /** The service it is done for; `gateway` for the gateway; undefined for what all share. */
    service?: string;
    cost?: Cost;
  } & Doing
>;

/** What a plan does. */
export type ActionKind = Action["kind"];

/** Everything to do, in an order that could be executed one by one. */
export type Plan = Readonly<{
  stack: string;
  actions: readonly Action[];
  /**
   * By service: what puts the old container back in charge when one of the service's actions fails. It holds until
   * the service's `switch` has succeeded, or its last `await` where nothing is switched: from then on the new
   * container serves, and a failure to clear the old one away is no reason to go back.
   */
  recoveries: Readonly<Record<string, readonly Action[]>>;
  /**
   * Waits to be carried out when all that was planned is done, so that no service is called ready which the gateway
   * calls something else: by then nothing is changed any more.
   */
  lastLook?: readonly Extract<Action, { kind: "await" }>[];
  /** Services that need nothing; still reported. */
  unchanged: readonly string[];
  /** What the user should know though nothing is wrong with the plan: `ollama runs on the CPU: …`. */
  warnings: readonly string[];
}>;

/** A key as the gateway knows it. */
export type KnownKey = Pick<KeyRecord, "name" | "digest" | "scopes">;

/** The key of the gateway that a service has, or gets by this plan: its digest as the gateway keeps it, never the key. */
export type ServiceKey = Readonly<{ digest: string; saved: boolean }>;

/** Everything a plan for `up` depends on. */
export type UpInput = Readonly<{
  stack: Stack;
  /** All volumes of the engine, not only the stack's: names are compared with them. */
  observed: Observed;
  engine: EngineDescription;
  gpus: readonly Gpu[];
  gateway: Readonly<{
    /** Reference of the gateway's image, tagged by content. */
    image: string;
    /** What the running gateway says; undefined when none runs or it does not answer. */
    readiness?: StackReadiness;
    /** Digest of the certificate that the stack names. */
    certificate?: string;
    /** The keys that the running gateway knows; undefined when it was not asked or does not answer. */
    keys?: readonly KnownKey[];
  }>;
  /** Version of Nexus, for the labels. */
  version: string;
  /** By the secret's name; keyed digests, never the secrets. */
  secretDigests: Readonly<Record<string, string>>;
  /** By service: every one that has a key of the gateway of its own. */
  serviceKeys: Readonly<Record<string, ServiceKey>>;
  /**
   * Overrides the services' pull policies but `never`. What an `always` pull brought is seen by the next plan only:
   * observe again after applying it and plan with `missing`.
   */
  pull?: "always" | "missing";
}>;
