/** What a migration is going to do: made from an inventory by a pure function, printed as it is, and carried out step by step. Holds no secret. */
import type { Machine } from "../catalog/machine.ts";
import type { KeyRecord } from "../gateway/protocol.ts";
import type {
  FoundDatabase,
  FoundFiles,
  FoundModelStore,
  FoundUnit,
  SourceKind,
} from "./inventory.ts";
import type { Found, NotUnderstood, Place } from "./reading.ts";

/** What the user decided, by flags or prompts. */
export type Choices = Readonly<{
  /** Name of the stack. */
  stack: string;
  /** Folder of the stack file, absolute. */
  directory: string;
  /** Name of the stack file there. */
  output: string;
  /** Hosts whose services become containers of the stack; those of other hosts stay where they are, as external services. */
  here: readonly string[];
  /** How models get into the stack: the old folder mounted, a copy, or a fresh download. */
  models: "share" | "copy" | "pull";
  /** Undefined: the old gateway's, or the next free one while that is held. */
  gatewayPort?: number;
}>;

/** What is already there where the stack is to be. */
export type Target = Readonly<{
  /** Paths, relative to the folder, that exist already among those that a migration may write. */
  files: readonly string[];
  /** Ports of this machine that something listens on, and what, where it can be told. */
  ports: readonly Readonly<{ port: number; heldBy?: string }>[];
  /** Names of volumes and containers of a stack of that name; undefined when the engine could not be asked. */
  engine?: Readonly<{
    volumes: readonly string[];
    containers: readonly string[];
    local: boolean;
    freeBytes?: number;
  }>;
  /** Free space where the stack's folder lies. */
  freeBytes?: number;
  /** What the engine's containers run on: a service that does not fit it stays where it is. */
  machine?: Machine;
  /** `host:port` of services that were asked and did not answer. */
  silent?: readonly string[];
}>;

/** What becomes of a service of the old installation. */
export type PlannedService = Readonly<{
  /** What the old installation called it. */
  from: string;
  host: string;
  at: Place;
  becomes: "container" | "external" | "left-out";
  /** Its name in the stack; undefined for one that is left out. */
  name?: string;
  template?: string;
  /** Where an external one listens. */
  url?: string;
  because: string;
  /** Names of its settings that come along, and of those that have no equal. */
  settings: Readonly<{ taken: readonly string[]; left: readonly string[] }>;
}>;

/** An address of the old installation and what stands for it in the stack. */
export type Rewrite = Readonly<{
  setting: Found<string>;
  from: string;
  /** Service of the stack, or URL of an external one; undefined when it means nothing here. */
  to?: string;
  because: string;
}>;

/** A port that the stack would publish and that is held. */
export type PortConflict = Readonly<{
  port: number;
  heldBy: string;
  for: string;
  instead?: number;
}>;

/** Something that only a person can know; what holds until somebody says otherwise. */
export type Decision = Readonly<{
  /** Stable word: `gateway-port`, `models`, `aliases`; `reach-<host>-<service>` and `model-<model>` say which. */
  id: string;
  question: string;
  /** What the plan assumes. */
  assumed: string;
  /** How to say otherwise: a flag, or an edit of the stack file. */
  otherwise: string;
  /** What of the old installation it is about, where that is one place. */
  at?: Place;
}>;

/** A key that the gateway is going to accept: the record as it is kept there, and what of its policy is not in force. */
export type PlannedKey = Readonly<{
  record: Omit<KeyRecord, "created_at">;
  at: Found<string>["at"];
  notInForce: readonly string[];
}>;

/** Something that is moved; `active` when the stack uses it, else it is kept and listed as carried. */
export type Carried = Readonly<{
  what: string;
  host: string;
  path: string;
  files: number;
  bytes: number;
  active: boolean;
  because: string;
}>;

/** Something that nobody moves, and what to do where it is wanted in the stack. */
export type Staying = Readonly<{
  what: string;
  host: string;
  path: string;
  bytes: number;
  because: string;
}>;

/** One thing that is done; each can be done again without harm. `id`s are unique and stable. */
export type Step = Readonly<
  { id: string; title: string } &
    /** `to` is relative to the folder, below `.nexus/migration/staged/<host>/`. */
    (
      | { kind: "backup-database"; database: FoundDatabase; to: string }
      | { kind: "fetch-files"; files: FoundFiles; to: string }
      /** `.gitignore` of the folder keeps git from `.nexus/`, where secrets lie. */
      | { kind: "ignore-secrets" }
      /** Text of our own; never a secret. `path` is relative to the folder. */
      | { kind: "write-file"; path: string; text: string; mode: number }
      /** A secret of an old settings file, in a file of its own. */
      | { kind: "write-secret"; path: string; host: string; file: string; setting: string }
      /** A file of the source as a file of the stack: TLS pairs. */
      | { kind: "place-file"; path: string; host: string; file: string }
      | { kind: "copy-models"; store: FoundModelStore; volume: string; key: string; folder: string }
      /** Everything that was staged under these paths, into the gateway's volume under `carried/`. */
      | { kind: "carry"; staged: readonly string[] }
      | { kind: "up" }
      | { kind: "add-keys"; keys: readonly PlannedKey[] }
      | { kind: "add-users"; host: string; path: string; staged: string }
      | { kind: "verify" }
      | { kind: "stop-legacy"; host: string; unit: FoundUnit }
    )
>;

/** The whole of it. */
export type MigrationPlan = Readonly<{
  kind: SourceKind;
  choices: Choices;
  /** Path of the stack file. */
  file: string;
  /** The stack file as it is to be written. */
  text: string;
  services: readonly PlannedService[];
  rewrites: readonly Rewrite[];
  conflicts: readonly PortConflict[];
  keys: readonly PlannedKey[];
  /** Tokens that must not be carried, and why. */
  refusedKeys: readonly Readonly<{ name: string; at: Found<string>["at"]; because: string }>[];
  /** Users that are going to be able to log in. */
  users: readonly Readonly<{ name: string; admin: boolean; disabled: boolean }>[];
  /** Names that old clients use, and where they lead: the old aliases, and what the old gateway took besides. */
  aliases: readonly Readonly<{
    name: string;
    targets: readonly string[];
    /** Undefined for a name that the old gateway took without an alias, such as `auto`. */
    at?: Place;
  }>[];
  /** Old names that lead nowhere any more, and why. */
  aliasesLeftOut: readonly Readonly<{ name: string; at: Place; because: string }>[];
  data: readonly Carried[];
  /** Stores of models that are neither copied nor shared; absent where the kind of installation has none. */
  stays?: readonly Staying[];
  /** Models by service: what the stack must have before it counts as ready. */
  models: readonly Readonly<{
    service: string;
    model: string;
    bytes?: number;
    how: Choices["models"] | "stays";
  }>[];
  space: Readonly<{
    staging: number;
    volumes: number;
    freeForStaging?: number;
    freeForVolumes?: number;
  }>;
  decisions: readonly Decision[];
  notUnderstood: readonly NotUnderstood[];
  warnings: readonly Found<string>[];
  /** What makes it impossible to apply; a sentence with the remedy each. */
  obstacles: readonly string[];
  /** In order. Those that stop old services come last, and are done only when that is asked for. */
  steps: readonly Step[];
}>;
