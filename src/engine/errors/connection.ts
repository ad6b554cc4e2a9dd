/** Failures of the conversation with the engine itself. */
import { NexusError, exitCodes } from "../../errors.ts";

/** Where the engine was looked for, and what was found instead. */
export type Unreachable = Readonly<{
  endpoint: string;
  /** The system's error code, such as `ENOENT`, or empty. */
  reason: string;
  /** What the transport said, such as ssh's stderr. */
  said: string;
  /** Sockets on this machine on which something does answer. */
  alternatives: readonly string[];
}>;

/** Nothing answers at the engine's address. */
export class EngineUnreachableError extends NexusError {
  readonly code = "NEXUS_ENGINE_UNREACHABLE";
  readonly exitCode = exitCodes.engine;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(found: Unreachable, cause: unknown) {
    super(`No Docker engine at ${found.endpoint}: ${why(found)}.`, { cause });
    this.remedy = unreachableRemedy(found);
    this.details = { ...found };
  }
}

function why({ reason, said }: Unreachable): string {
  const words: Readonly<Record<string, string>> = {
    ENOENT: "the socket does not exist, so the engine is not running or not installed",
    ECONNREFUSED: "nobody listens there; the engine died or is still starting",
    ETIMEDOUT: "no answer within the time allowed",
    ENOTFOUND: "the host name is unknown",
    EHOSTUNREACH: "the host cannot be reached",
    ECONNRESET: "the connection was closed before an answer came",
  };
  return words[reason] ?? (said === "" ? reason : said);
}

function unreachableRemedy({ endpoint, alternatives }: Unreachable): string {
  if (alternatives.length > 0)
    return `An engine answers at ${alternatives.join(" and at ")}: try \`DOCKER_HOST=unix://${alternatives[0]} nexus up\`.`;
  if (endpoint.startsWith("ssh:"))
    return "Check that `ssh <host> docker version` works, then run `nexus doctor`.";
  if (process.platform === "linux")
    return "Start it with `sudo systemctl start docker`, or install it with ./quickstart.sh; `nexus doctor` checks again.";
  return "Start Docker Desktop (or `colima start`); `nexus doctor` checks again.";
}

/** The engine's socket is there and this user may not use it. */
export class EngineForbiddenError extends NexusError {
  readonly code = "NEXUS_ENGINE_FORBIDDEN";
  readonly exitCode = exitCodes.engine;
  readonly remedy =
    "Join the group that owns the socket with `sudo usermod -aG docker $USER` and log in again (that group has root's power), or use a rootless engine.";

  constructor(endpoint: string, cause: unknown) {
    super(`You have no permission to use the Docker engine at ${endpoint}.`, { cause });
  }
}

/** The engine speaks only API versions below the oldest that Nexus speaks. */
export class EngineTooOldError extends NexusError {
  readonly code = "NEXUS_ENGINE_TOO_OLD";
  readonly exitCode = exitCodes.engine;
  readonly remedy =
    "Upgrade it to Docker Engine 20.10 or later (`docker version` shows what runs).";

  constructor(endpoint: string, offered: string, needed: string) {
    super(`The engine at ${endpoint} speaks API ${offered}; Nexus needs ${needed} or later.`);
  }
}

/** The engine speaks only API versions above the newest that Nexus speaks. */
export class EngineTooNewError extends NexusError {
  readonly code = "NEXUS_ENGINE_TOO_NEW";
  readonly exitCode = exitCodes.engine;
  readonly remedy = "Upgrade Nexus (`npm install nexus-ai-stack@latest`).";

  constructor(said: string, cause: unknown) {
    super(`The engine no longer speaks the API that Nexus knows: ${said}`, { cause });
  }
}

/** The engine accepted a call and did not answer it. */
export class EngineSilentError extends NexusError {
  readonly code = "NEXUS_ENGINE_SILENT";
  readonly exitCode = exitCodes.engine;
  readonly remedy =
    "See what the engine is busy with (`journalctl -u docker -n 50`); if it hangs, restart it with `sudo systemctl restart docker`.";
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(call: string, waitedMs: number) {
    super(`The engine did not answer "${call}" within ${Math.round(waitedMs / 1000)} s.`);
    this.details = { call, waitedMs };
  }
}

/** The connection broke after the engine had been reached: it stopped or restarts. */
export class EngineLostError extends NexusError {
  readonly code = "NEXUS_ENGINE_LOST";
  readonly exitCode = exitCodes.engine;
  readonly remedy =
    "Wait until the engine is back (`nexus doctor`), then run `nexus up`: it repairs what was left half done.";

  constructor(call: string, cause?: unknown) {
    super(`The connection to the engine was lost during "${call}".`, { cause });
  }
}

/** TLS could not be agreed with the engine. */
export class EngineTlsError extends NexusError {
  readonly code = "NEXUS_ENGINE_TLS";
  readonly exitCode = exitCodes.engine;
  readonly remedy =
    "Check that ca.pem, cert.pem and key.pem belong to this engine and have not expired (`openssl x509 -enddate -noout -in cert.pem`), and that DOCKER_TLS_VERIFY fits its port.";

  constructor(endpoint: string, said: string, cause: unknown) {
    super(`TLS with the engine at ${endpoint} failed: ${said}.`, { cause });
  }
}

/** A refusal that is none of the known ones: the engine's own words, and its status. */
export class EngineError extends NexusError {
  readonly code = "NEXUS_ENGINE_ERROR";
  readonly exitCode = exitCodes.engine;
  readonly remedy =
    "The engine's own words say what it refused; `journalctl -u docker -n 50` has more, and `nexus doctor` checks the engine.";
  /** HTTP status, or 0 when the failure came inside a stream. */
  readonly status: number;
  /** What the engine said. */
  readonly said: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(call: string, status: number, said: string, cause?: unknown) {
    super(`The engine refused "${call}": ${said}`, { cause });
    this.status = status;
    this.said = said;
    this.details = { call, httpStatus: status, engineMessage: said };
  }
}
