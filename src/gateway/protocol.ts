/**
 * The control channel between CLI and gateway: NDJSON over a unix socket inside the container, reached by
 * `exec … gateway.mjs control` so that it works on every engine, local or remote. Requests carry an `id`;
 * every request is answered by any number of `progress` lines and then one `ok` or one `error` line.
 */
import { createHash, randomBytes } from "node:crypto";
import type { GatewayConfig, Upstream } from "./config.ts";
import type { UserRequest, UserResult } from "./user.ts";

export { isAddressRange } from "./keys/addresses.ts";

/** What a key may use; what is left out is not limited. Days are those of UTC. */
export type KeyLimits = Readonly<{
  requests_per_minute?: number;
  tokens_per_minute?: number;
  tokens_per_day?: number;
  /** The largest request body, in bytes. */
  max_request_bytes?: number;
}>;

/** Limits that are used up, and come back with time. */
export type RateLimit = Exclude<keyof KeyLimits, "max_request_bytes">;

/** What a key may be called. */
export const keyName = /^[\w.-]{1,64}$/;

/** A key as it is kept and listed; never the key itself. */
export type KeyRecord = Readonly<{
  name: string;
  /** `sha256:<hex>` of the whole key. */
  digest: string;
  /** First characters of the key, for people to recognise it. */
  hint: string;
  scopes: readonly ("inference" | "admin")[];
  /** Model ids or `service/model` this key may use; undefined means all. */
  models?: readonly string[];
  limits?: KeyLimits;
  /** Addresses and ranges (`10.0.0.0/8`) it may be used from; undefined means all. */
  allowed_ips?: readonly string[];
  /** ISO 8601. */
  created_at: string;
  expires_at?: string;
}>;

/** What usage can be summed by; days are those of UTC. */
export type UsageGrouping = "key" | "model" | "service" | "endpoint" | "day";

/** Sums over requests. */
export type UsageSums = Readonly<{
  requests: number;
  failures: number;
  /** Requests whose tokens are estimates, because their upstream told none. */
  estimated: number;
  input_tokens: number;
  /** The part of `input_tokens` that came from an upstream's cache. */
  cached_tokens: number;
  output_tokens: number;
  seconds: number;
}>;

/** Sums under the name of a key, model, service, endpoint or day; an empty name is that of requests that had none. */
export type UsageRow = Readonly<{ name: string } & UsageSums>;

/** Whether the books reach the disk. */
export type LedgerState = Readonly<{
  state: "kept" | "failing";
  /** Why they do not. */
  reason?: string;
  /** Requests that are in memory only. */
  unwritten: number;
  /** Name of the file, in the gateway's volume, that could not be read and was put out of the way. */
  moved_aside?: string;
}>;

/** Who used how much since a moment. */
export type UsageReport = Readonly<{
  /** ISO 8601: the beginning of an hour. */
  since: string;
  by: UsageGrouping;
  rows: readonly UsageRow[];
  ledger: LedgerState;
}>;

/** A key as it is listed. */
export type ListedKey = Readonly<KeyRecord & { last_used_at?: string }>;

/** What the CLI can ask of the gateway. */
export type ControlRequest = Readonly<
  | { op: "hello" }
  /** Validates, persists and swaps the configuration without dropping a request. */
  | {
      op: "configure";
      config: GatewayConfig;
      /** The pair that `config.tls` names; without it the gateway must have it already. */
      tls?: Readonly<{ certificate: string; key: string }>;
    }
  /** Probes an upstream (configured or not) until cancelled or `until` is reached; each change is a progress line. */
  | { op: "watch"; upstream: Upstream; until: "reachable" | "ready" }
  /** Makes a real minimal request to the upstream, the way a client's request would go. */
  | { op: "prove"; upstream: Upstream }
  /** Resolves once no request is in flight to that url; progress lines count those that are. */
  | { op: "drain"; url: string }
  /**
   * An HTTP request to an upstream (`path` from its root); the body comes back as `RequestChunk` progress lines. With
   * `answer: "bytes"` those are `RequestBytes` instead and the result has the answer's headers: nothing is lost of it.
   */
  | {
      op: "request";
      upstream: Upstream;
      method: string;
      path: string;
      /** Sent as JSON. */
      body?: unknown;
      /** Sent as it is, in place of `body`: base64. */
      bytes?: string;
      headers?: Readonly<Record<string, string>>;
      answer?: "text" | "bytes";
    }
  | { op: "keys.list" }
  | { op: "keys.add"; key: KeyRecord }
  /** Puts a key in the place of the one of its name: there is no moment without either. */
  | { op: "keys.replace"; key: KeyRecord }
  | { op: "keys.remove"; name: string }
  | UserRequest
  /** Who used how much since a moment (ISO 8601). */
  | { op: "usage"; since: string; by: UsageGrouping }
  /** The same document as GET :8801/readyz. */
  | { op: "status" }
  /** What is free where the gateway's volume lies, which is where the engine keeps all volumes of its own. */
  | { op: "disk" }
  | { op: "cancel"; request: number }
>;

/** What is known of an upstream at one moment. */
export type ProbeReport = Readonly<{
  /** `unreachable` < `reachable` < `ready`. */
  state: "unreachable" | "reachable" | "loading" | "ready";
  /** One sentence: what was asked and what came back. */
  detail: string;
  status?: number;
  /** Declared models that are not there. */
  missing_models: readonly string[];
  /** Models that are there, as the upstream lists them. */
  present_models: readonly string[];
  /** Changes whenever the upstream shows progress (a new body, a new model list): deadlines start again. */
  progress_token: string;
}>;

/** GET :8801/readyz: the whole stack as the gateway sees it. */
export type StackReadiness = Readonly<{
  status: "ready" | "not_ready";
  stack: string;
  /** Host name of the machine it runs on; in a container, the beginning of that container's id. */
  container: string;
  /** Hash of the configuration in force, as `configHash` in the CLI computes it. */
  config_hash: string;
  /** PEM of the certificate that the API port presents; absent where it speaks plain HTTP. */
  certificate?: string;
  keys: number;
  /** How many of them may be used from certain addresses only. */
  keys_from_addresses?: number;
  /** As in the configuration: what it can know of where requests come from. */
  clients?: GatewayConfig["clients"];
  /** Longest-lived open streams and requests in flight, over all upstreams. */
  in_flight: number;
  services: readonly Readonly<
    {
      id: string;
      url: string;
      in_flight: number;
      /** Absent unless this gateway has proven it by real requests, at this address and with these models. */
      proven?: true;
    } & ProbeReport
  >[];
}>;

/** A progress line of `request`: the status, and the next piece of the body as whole characters. */
export type RequestChunk = Readonly<{ status: number; chunk: string }>;

/** A progress line of `request` with `answer: "bytes"`: a piece as it arrived, base64, and when: milliseconds after the request was sent. */
export type RequestBytes = Readonly<{ bytes: string; at_ms: number }>;

/** Results by op. */
export type ControlResult = UserResult &
  Readonly<{
    hello: {
      version: string;
      config_hash: string | null;
      keys: number;
      api_port: number;
      observability_port: number;
    };
    configure: { config_hash: string };
    watch: ProbeReport;
    prove: { status: number; detail: string; duration_ms: number };
    drain: { in_flight: 0 };
    request: {
      status: number;
      /** By lower-case name, with `answer: "bytes"`. */
      headers?: Readonly<Record<string, string>>;
    };
    "keys.list": readonly ListedKey[];
    "keys.add": null;
    "keys.replace": null;
    "keys.remove": null;
    usage: UsageReport;
    status: StackReadiness;
    disk: { free_bytes: number; total_bytes: number };
    cancel: null;
  }>;

/** One line from the gateway. */
export type ControlReply = Readonly<
  | { id: number; progress: unknown }
  | { id: number; ok: unknown }
  | { id: number; error: { code: string; message: string } }
>;

type KeyDetails = Omit<KeyRecord, "digest" | "hint" | "created_at">;

/** The only form in which a key is kept: `sha256:<hex>` of the whole key. */
export function keyDigest(key: string): string {
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** Makes a new key of 256 random bits: the key itself, to be shown once, and the record to be kept. */
export function mintKey(
  details: KeyDetails,
  now: Date,
): Readonly<{ key: string; record: KeyRecord }> {
  const key = newKey();
  return { key, record: recordOf(key, details, now) };
}

/** A new key of 256 random bits. */
export function newKey(): string {
  return `nx_${randomBytes(32).toString("base64url")}`;
}

/** What is kept of a key. */
export function recordOf(key: string, details: KeyDetails, now: Date): KeyRecord {
  const record = { ...details, digest: keyDigest(key), hint: key.slice(0, 7) };
  return { ...record, created_at: now.toISOString() };
}
