/** Failures of one container, mostly because of what its stack file asks for. */
import { NexusError, exitCodes } from "../../errors.ts";

/** The command is not in the image, or cannot be executed. */
export class CommandNotFoundError extends NexusError {
  readonly code = "NEXUS_COMMAND_NOT_FOUND";
  readonly exitCode = exitCodes.notReady;
  readonly remedy =
    "Correct `command:` or `entrypoint:` in the stack file; `docker image inspect <image>` shows what the image itself runs.";

  constructor(container: string, said: string, cause: unknown) {
    super(`"${container}" cannot run its command: ${said}`, { cause });
  }
}

/** The user is not in the image's passwd file. */
export class UserMissingError extends NexusError {
  readonly code = "NEXUS_USER_MISSING";
  readonly exitCode = exitCodes.notReady;
  readonly remedy = 'Use a numeric `user:` in the stack file, such as "1000:1000".';

  constructor(container: string, said: string, cause: unknown) {
    super(`"${container}" asks for a user that its image does not have: ${said}`, { cause });
  }
}

/** A bind mount's source is missing, or is a file where a folder is meant (or the reverse). */
export class BindSourceMissingError extends NexusError {
  readonly code = "NEXUS_BIND_SOURCE_MISSING";
  readonly exitCode = exitCodes.notReady;
  readonly remedy =
    "Create the path on the engine's host (paths of a remote engine are its own), or correct `volumes:` in the stack file.";

  constructor(container: string, said: string, cause: unknown) {
    super(`A bind mount of "${container}" cannot be made: ${said}`, { cause });
  }
}

/** The network that a container is attached to is gone. */
export class NetworkMissingError extends NexusError {
  readonly code = "NEXUS_NETWORK_MISSING";
  readonly exitCode = exitCodes.notReady;
  readonly remedy = "Run `nexus up` again: it makes the network anew.";

  constructor(container: string, said: string, cause: unknown) {
    super(`The network of "${container}" is missing: ${said}`, { cause });
  }
}

/** The container was removed by somebody else. */
export class ContainerMissingError extends NexusError {
  readonly code = "NEXUS_CONTAINER_MISSING";
  readonly exitCode = exitCodes.notReady;
  readonly remedy = "Run `nexus up` again: it makes the container anew.";

  constructor(container: string, cause?: unknown) {
    super(`The container "${container}" does not exist any more.`, { cause });
  }
}

/** Something was asked of a container that only a running one can do. */
export class ContainerNotRunningError extends NexusError {
  readonly code = "NEXUS_CONTAINER_NOT_RUNNING";
  readonly exitCode = exitCodes.notReady;
  readonly remedy = "See why with `nexus logs`, and start it with `nexus up`.";

  constructor(container: string, cause?: unknown) {
    super(`The container "${container}" is not running.`, { cause });
  }
}

/** A kernel setting or security profile that the engine does not allow. */
export class SettingRefusedError extends NexusError {
  readonly code = "NEXUS_SETTING_REFUSED";
  readonly exitCode = exitCodes.notReady;
  readonly remedy =
    "Take the setting out of the service's definition in the stack file, then run `nexus up`.";

  constructor(container: string, said: string, cause: unknown) {
    super(`The engine refuses a setting of "${container}": ${said}`, { cause });
  }
}

/** The container's log driver cannot be read back. */
export class LogsUnavailableError extends NexusError {
  readonly code = "NEXUS_LOGS_UNAVAILABLE";
  readonly exitCode = exitCodes.notReady;
  readonly remedy =
    "Read the logs where the driver sends them; containers that Nexus creates use json-file (`nexus up` makes them anew).";

  constructor(container: string, driver: string) {
    super(`The logs of "${container}" go to the driver "${driver}", which cannot be read.`);
  }
}
