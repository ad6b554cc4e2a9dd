/** How this process runs, as opposed to what it serves: read once from the environment. */
import { join } from "node:path";
import { gatewayPaths } from "./paths.ts";

/** Time limits of a proxied request, in milliseconds. */
export type RelayLimits = Readonly<{
  connectMs: number;
  /** From the request being sent to its first response byte: generous, because models load. */
  firstByteMs: number;
  /** Between two response bytes. */
  idleMs: number;
  /** How long a client may refuse to read before it counts as gone. */
  stallMs: number;
}>;

/** Limits against clients that take more than they need; times in milliseconds. */
export type DoorLimits = Readonly<{
  maxConnections: number;
  /** From the first byte of a request to the end of its headers. */
  headMs: number;
  /** From the first byte of a request to the end of its body. */
  requestMs: number;
  /** How long a connection may stay open between two requests. */
  idleMs: number;
}>;

/** Limits of a connection that was handed over to another protocol, in milliseconds. */
export type TunnelLimits = Readonly<{
  /** Without a byte in either direction. */
  idleMs: number;
  totalMs: number;
  /** From one side's end to both being closed. */
  lingerMs: number;
}>;

/** How the books of who used what are kept. */
export type UsageSettings = Readonly<{
  file: string;
  /** How long they may be in memory only, in milliseconds: what a kill may lose. */
  flushMs: number;
  /** Days after which they are dropped. */
  keptDays: number;
  /** Rows held in memory while the disk takes none. */
  mostRows: number;
}>;

/** Everything about the process that a test or an operator may want different. */
export type GatewaySettings = Readonly<{
  /** Address to listen on; undefined listens on every address. */
  host: string | undefined;
  apiPort: number;
  observabilityPort: number;
  socket: string;
  configFile: string;
  /** Where the certificate of the API port is kept with its key. */
  certificatesFolder: string;
  keysFile: string;
  /** Users with the hashes of their passwords, and the digests of their sessions. */
  usersFile: string;
  sessionsFile: string;
  usage: UsageSettings;
  /** How long live streams may go on after SIGTERM. */
  graceMs: number;
  maxBodyBytes: number;
  /** The most bytes of request bodies in memory at once, over all requests. */
  maxBufferedBytes: number;
  /** What a client's connection may cost. */
  door: DoorLimits;
  /** Forms with files: how large they may be, how much of one is kept in memory, and where how much of all of them is kept beside. */
  upload: Readonly<{ maxBytes: number; memoryBytes: number; folder: string; spoolBytes: number }>;
  limits: RelayLimits;
  /** From a request's arrival to the end of its answer; 0 for no limit. */
  totalMs: number;
  /** Silence after which a waiting stream gets a comment; 0 for never. */
  heartbeatMs: number;
  tunnel: TunnelLimits;
  queue: Readonly<{ maxWaiting: number; maxWaitMs: number }>;
  /** Pause between two exports of traces and metrics, in milliseconds. */
  otlpEveryMs: number;
  /** Pause between two looks at a ready upstream, and the longest one at an unready upstream. */
  poll: Readonly<{ readyMs: number; unreadyMs: number }>;
}>;

type Environment = Readonly<Record<string, string | undefined>>;

const mebibyte = 1024 * 1024;

/** Reads the settings; throws a RangeError that names the variable when a number is not one. */
export function readSettings(environment: Environment): GatewaySettings {
  const number = (name: string, fallback: number) => wholeNumber(environment, name, fallback);
  const data = environment["NEXUS_GATEWAY_DATA"] ?? gatewayPaths.data;
  return {
    host: environment["NEXUS_GATEWAY_HOST"],
    apiPort: number("NEXUS_GATEWAY_API_PORT", gatewayPaths.apiPort),
    observabilityPort: number("NEXUS_GATEWAY_OBSERVABILITY_PORT", gatewayPaths.observabilityPort),
    socket: readBridgeSettings(environment).socket,
    configFile: join(data, "config.json"),
    certificatesFolder: data,
    keysFile: join(data, "keys.json"),
    usersFile: join(data, "users.json"),
    sessionsFile: join(data, "sessions.json"),
    usage: {
      file: join(data, "usage.db"),
      flushMs: number("NEXUS_GATEWAY_USAGE_FLUSH_MS", 1_000),
      keptDays: number("NEXUS_GATEWAY_USAGE_DAYS", 400),
      mostRows: number("NEXUS_GATEWAY_USAGE_ROWS", 10_000),
    },
    graceMs: number("NEXUS_GATEWAY_GRACE_MS", 8_000),
    maxBodyBytes: number("NEXUS_GATEWAY_MAX_BODY_BYTES", 32 * mebibyte),
    maxBufferedBytes: number("NEXUS_GATEWAY_MAX_BUFFERED_BYTES", 128 * mebibyte),
    door: {
      maxConnections: number("NEXUS_GATEWAY_MAX_CONNECTIONS", 10_000),
      headMs: number("NEXUS_GATEWAY_CLIENT_HEAD_MS", 15_000),
      requestMs: number("NEXUS_GATEWAY_CLIENT_REQUEST_MS", 300_000),
      idleMs: number("NEXUS_GATEWAY_CLIENT_IDLE_MS", 75_000),
    },
    upload: {
      maxBytes: number("NEXUS_GATEWAY_MAX_UPLOAD_BYTES", 64 * mebibyte),
      memoryBytes: number("NEXUS_GATEWAY_UPLOAD_MEMORY_BYTES", mebibyte),
      folder: join(data, "spool"),
      spoolBytes: number("NEXUS_GATEWAY_MAX_SPOOL_BYTES", 1024 * mebibyte),
    },
    ...readTimes(number),
  };
}

/** How long things may take, and how often they are looked at. */
function readTimes(
  number: (name: string, fallback: number) => number,
): Pick<
  GatewaySettings,
  "limits" | "totalMs" | "heartbeatMs" | "tunnel" | "queue" | "otlpEveryMs" | "poll"
> {
  return {
    limits: {
      connectMs: number("NEXUS_GATEWAY_CONNECT_MS", 5_000),
      firstByteMs: number("NEXUS_GATEWAY_HEADERS_MS", 900_000),
      idleMs: number("NEXUS_GATEWAY_IDLE_MS", 300_000),
      stallMs: number("NEXUS_GATEWAY_STALL_MS", 300_000),
    },
    totalMs: number("NEXUS_GATEWAY_TOTAL_MS", 0),
    heartbeatMs: number("NEXUS_GATEWAY_HEARTBEAT_MS", 15_000),
    tunnel: {
      idleMs: number("NEXUS_GATEWAY_TUNNEL_IDLE_MS", 600_000),
      totalMs: number("NEXUS_GATEWAY_TUNNEL_TOTAL_MS", 7_200_000),
      lingerMs: number("NEXUS_GATEWAY_TUNNEL_LINGER_MS", 5_000),
    },
    queue: {
      maxWaiting: number("NEXUS_GATEWAY_QUEUE_LENGTH", 256),
      maxWaitMs: number("NEXUS_GATEWAY_QUEUE_MS", 120_000),
    },
    otlpEveryMs: number("NEXUS_GATEWAY_OTLP_MS", 10_000),
    poll: {
      readyMs: number("NEXUS_GATEWAY_POLL_READY_MS", 10_000),
      unreadyMs: number("NEXUS_GATEWAY_POLL_UNREADY_MS", 2_000),
    },
  };
}

/** Where the control channel's socket and the API are, and how long a bridge waits for somebody to listen. */
export function readBridgeSettings(
  environment: Environment,
): Readonly<{ socket: string; apiPort: number; patienceMs: number }> {
  return {
    socket: environment["NEXUS_GATEWAY_SOCKET"] ?? gatewayPaths.controlSocket,
    apiPort: wholeNumber(environment, "NEXUS_GATEWAY_API_PORT", gatewayPaths.apiPort),
    patienceMs: wholeNumber(environment, "NEXUS_GATEWAY_CONTROL_MS", 10_000),
  };
}

function wholeNumber(environment: Environment, name: string, fallback: number): number {
  const text = environment[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name} must be a whole number, not "${text}"`);
  }
  return value;
}
