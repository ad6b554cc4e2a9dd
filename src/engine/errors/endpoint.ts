/** Failures of finding out which engine is meant, before anything is sent to it. */
import { NexusError, exitCodes } from "../../errors.ts";

/** An engine address that cannot be understood. */
export class EndpointInvalidError extends NexusError {
  readonly code = "NEXUS_ENDPOINT_INVALID";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Use unix:///path/docker.sock, npipe:////./pipe/docker_engine, tcp://host:2376 or ssh://user@host; run `nexus doctor` to see which setting is in force.";

  constructor(address: string, source: string, cause?: unknown) {
    super(`The engine address "${address}" (from ${source}) is not one that can be connected to.`, {
      cause,
    });
  }
}

/** A Docker context that the Docker configuration does not know, or whose file cannot be read. */
export class ContextNotFoundError extends NexusError {
  readonly code = "NEXUS_CONTEXT_NOT_FOUND";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(context: string, source: string, known: readonly string[]) {
    super(`There is no Docker context "${context}" (asked for by ${source}).`);
    const names = ["default", ...known].join(", ");
    this.remedy = `Choose one of: ${names} (\`docker context ls\`), as in \`nexus up --context default\`.`;
  }
}

/** Plain TCP to another machine: whoever can listen in owns the engine's host. */
export class InsecureEndpointError extends NexusError {
  readonly code = "NEXUS_ENDPOINT_INSECURE";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Use ssh://user@host, or TLS with DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH; NEXUS_INSECURE_TCP=1 allows it on a network you trust.";

  constructor(address: string) {
    super(`${address} is not encrypted, and access to an engine is root access to its host.`);
  }
}

/** TLS was asked for and its files cannot be read. */
export class TlsMaterialError extends NexusError {
  readonly code = "NEXUS_TLS_MATERIAL";
  readonly exitCode = exitCodes.engine;
  readonly remedy =
    "Put ca.pem, cert.pem and key.pem into the folder that DOCKER_CERT_PATH names, or recreate the context with `docker context create`.";

  constructor(file: string, cause: unknown) {
    super(`The TLS file ${file} cannot be read.`, { cause });
  }
}

/** A file of the Docker configuration that is not valid JSON. */
export class DockerConfigError extends NexusError {
  readonly code = "NEXUS_DOCKER_CONFIG";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(file: string, cause: unknown) {
    super(`${file} is not valid JSON.`, { cause });
    this.remedy = `Correct ${file}, or set DOCKER_CONFIG to another folder.`;
  }
}
