/** What an old installation has, whichever kind it is: what readers fill and plans are made from. Values only, and no secret outside of a {@link Secret}. */
import type { Found, NotUnderstood, Place } from "./reading.ts";
import type { Secret } from "./secret.ts";

/** What can be migrated from. */
export type SourceKind = "ai-infra" | "nexus-compose" | "compose" | "harbor";

/** A machine of the old installation. */
export type FoundHost = Readonly<{
  /** Its short name there: `ai1`. */
  name: string;
  /** Every name and address that means this machine in URLs. */
  names: readonly string[];
  os: "linux" | "macos" | "unknown";
  /** It is this very machine, read in place. */
  live: boolean;
  roles: readonly string[];
}>;

/** How the old host keeps a service running. */
export type FoundUnit = Readonly<{
  manager: "systemd" | "launchd" | "container";
  /** `ollama.service`, `com.ai.gateway`, `nexus-ollama`. */
  name: string;
  /** Undefined when nobody could be asked. */
  running?: boolean;
}>;

/** A service other than the gateway. */
export type FoundService = Readonly<{
  /** Its name in the old installation: `ollama`, `pocket-tts`, `invokeai`. */
  name: string;
  host: string;
  at: Place;
  /** Ready-made definition of the catalog that runs the same software, where there is one. */
  template?: string;
  /** `chat`, `tts`, … in the words of the stack file. */
  provides: readonly string[];
  /** Where it listens, as its own settings say. */
  listens?: Readonly<{ address: string; port: number }>;
  /** Prefix of its OpenAI-compatible API below its address: `/v1`. */
  apiPath: string;
  unit?: FoundUnit;
  /** Its settings; values that could be secret are in {@link Secret}s. */
  settings: Readonly<Record<string, Found<string | Secret>>>;
  /** Models that it is known to serve. */
  models: readonly string[];
}>;

/** Limits of a token, in the words of the old policy. */
export type FoundPolicy = Readonly<{
  /** Addresses or CIDR ranges; undefined for the gateway's own list, empty for everyone. */
  ipAllowlist?: readonly string[];
  maxRequestBytes?: number;
  /** Limits that only tools have: kept, not in force. */
  tools: Readonly<Record<string, unknown>>;
}>;

/** A bearer token that clients use. */
export type FoundToken = Readonly<{
  at: Place;
  /** `token` of the environment, or an API key of a user in the database. */
  kind: "token" | "api-key";
  /** What it shall be called here: unique among tokens, fits a key's name. */
  name: string;
  /** `sha256:<hex>`; an API key's is all that the old installation kept. */
  digest: string;
  /** First characters, for people to recognise it; never more than 7 of a token. */
  hint: string;
  policy?: FoundPolicy;
  /** ISO 8601. */
  expiresAt?: string;
  /** Why it must not be carried: a placeholder that everybody knows, revoked, expired. */
  refused?: string;
}>;

/** An alias of the old gateway. */
export type FoundAlias = Readonly<{
  name: string;
  at: Place;
  /** Backend as the old file calls it: `ollama`, `mlx`, `local_vllm`. */
  backend: string;
  model: string;
  /** Tokens of context. */
  context?: number;
  tools?: boolean;
  maxTokens?: number;
  temperature?: number;
}>;

/** How the old gateway chose for requests that name no known model. */
export type FoundRouting = Readonly<{
  defaultBackend?: Found<string>;
  /** Whether the policy of thresholds and heuristics was on. */
  policy?: Found<boolean>;
  /** Characters from which on `long` was used. */
  longContextChars?: Found<number>;
  /** Models by backend and size: `ollama.default`, `ollama.strong`, `mlx.fast`. */
  models: Readonly<Record<string, Found<string>>>;
  embeddings?: Found<Readonly<{ backend: string; model: string }>>;
}>;

/** A SQLite database. */
export type FoundDatabase = Readonly<{
  /** `memory`, `users`. */
  name: string;
  host: string;
  /** Path in the source tree. */
  path: string;
  bytes: number;
  /** Rows by table; undefined when it could not be read without touching it. */
  rows?: Readonly<Record<string, number>>;
  /** Dimension of the stored embeddings with its number of rows. */
  embeddings?: Readonly<Record<string, number>>;
}>;

/** Files that are kept, each under what it is. */
export type FoundFiles = Readonly<{
  /** `images`, `voice-library`, `request-log`, `tools-registry`, `agent-specs`, `agent-runs`, `telegram`, `tool-log`, `chats`, `files`, `audio`. */
  what: string;
  host: string;
  path: string;
  /** A folder with all below it, or one file. */
  kind: "folder" | "file";
  files: number;
  bytes: number;
  /** Holds secrets: kept for its owner alone. */
  secret?: true;
}>;

/** A store of models. */
export type FoundModelStore = Readonly<{
  /** The old service whose store it is. */
  service: string;
  host: string;
  /** Folder that holds `manifests` and `blobs`. */
  path: string;
  format: "ollama" | "huggingface" | "files";
  models: readonly Readonly<{ name: string; bytes: number; complete: boolean }>[];
  bytes: number;
}>;

/** A user of the old gateway's own pages. */
export type FoundUser = Readonly<{
  name: string;
  at: Place;
  /** Hexadecimal, PBKDF2-HMAC-SHA256 with 120,000 rounds; a secret nevertheless. */
  hash: Secret;
  salt: Secret;
  admin: boolean;
  disabled: boolean;
  createdAt: string;
}>;

/** The old gateway. */
export type FoundGateway = Readonly<{
  host: string;
  at: Place;
  unit?: FoundUnit;
  listens: Readonly<{ address: string; port: number }>;
  observability?: Readonly<{ address: string; port: number }>;
  /** Paths of the pair in the source tree. */
  tls?: Readonly<{ certificate: Found<string>; key: Found<string> }>;
  maxRequestBytes?: Found<number>;
  ipAllowlist?: Found<readonly string[]>;
  metrics?: Found<boolean>;
  requestLog?: Found<boolean>;
  /** `memory.…`, `tools.…`, `ui.…`: settings that nothing here acts on yet; secrets are in {@link Secret}s. */
  carried: Readonly<Record<string, Found<string | Secret>>>;
}>;

/** Everything that was found. */
export type Inventory = Readonly<{
  kind: SourceKind;
  hosts: readonly FoundHost[];
  gateway?: FoundGateway;
  services: readonly FoundService[];
  tokens: readonly FoundToken[];
  users: readonly FoundUser[];
  aliases: readonly FoundAlias[];
  routing: FoundRouting;
  databases: readonly FoundDatabase[];
  files: readonly FoundFiles[];
  models: readonly FoundModelStore[];
  /** URLs in settings that mean a machine or a service: to be rewritten, or told. */
  urls: readonly Found<Readonly<{ setting: string; url: string }>>[];
  /** Everything that was there and could not be used. */
  notUnderstood: readonly NotUnderstood[];
  /** Things that look wrong in the old installation itself: a shim that asks itself, a firewall rule that protects nothing. */
  warnings: readonly Found<string>[];
}>;
