/** Failures of getting an image. */
import { NexusError, exitCodes } from "../../errors.ts";

/** The engine does not have the image that a container is to be made of. */
export class ImageMissingError extends NexusError {
  readonly code = "NEXUS_IMAGE_MISSING";
  readonly exitCode = exitCodes.image;
  readonly remedy: string;

  constructor(ref: string, cause?: unknown) {
    super(`The engine does not have the image ${ref}.`, { cause });
    this.remedy = `Run \`nexus up\` to pull it, or \`docker load\` it where no registry can be reached.`;
  }
}

/** The registry does not have the image, or hides it from those who are not logged in. */
export class ImageNotFoundError extends NexusError {
  readonly code = "NEXUS_IMAGE_NOT_FOUND";
  readonly exitCode = exitCodes.image;
  readonly remedy =
    "Correct the image's name and tag in the stack file (`docker manifest inspect <image>` checks it).";

  constructor(ref: string, said: string, cause?: unknown) {
    super(`The registry has no image ${ref}: ${said}`, { cause });
  }
}

/** The registry wants a login, or refused the one it got. */
export class RegistryLoginError extends NexusError {
  readonly code = "NEXUS_REGISTRY_LOGIN";
  readonly exitCode = exitCodes.image;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(
    where: Readonly<{ ref: string; registry: string; tried: string }>,
    said: string,
    cause?: unknown,
  ) {
    super(`${where.registry} refused access to ${where.ref} (tried: ${where.tried}): ${said}`, {
      cause,
    });
    this.remedy = `Log in with \`docker login ${where.registry}\`, or correct the image's name.`;
    this.details = { ...where };
  }
}

/** The registry limits how much may be pulled. */
export class RateLimitedError extends NexusError {
  readonly code = "NEXUS_RATE_LIMITED";
  readonly exitCode = exitCodes.image;
  readonly remedy: string;

  constructor(ref: string, registry: string, said: string) {
    super(`${registry} limits pulls just now (${ref}): ${said}`);
    this.remedy = `Wait, log in with \`docker login ${registry}\` for a higher limit, or configure a registry mirror.`;
  }
}

/** The engine cannot reach the registry, or the registry is broken. */
export class RegistryUnreachableError extends NexusError {
  readonly code = "NEXUS_REGISTRY_UNREACHABLE";
  readonly exitCode = exitCodes.image;
  readonly remedy =
    "Check the network and proxy of the engine's host (`nexus doctor`); without a registry, `docker load` the image or use the starter stack.";

  constructor(ref: string, registry: string, said: string, cause?: unknown) {
    super(`The engine cannot reach ${registry} for ${ref}: ${said}`, { cause });
  }
}

/** The image is for another processor or operating system than the engine's. */
export class ImagePlatformError extends NexusError {
  readonly code = "NEXUS_IMAGE_PLATFORM";
  readonly exitCode = exitCodes.image;
  readonly remedy =
    "Choose a tag that is built for the engine's platform (`docker manifest inspect <image>` lists them).";

  constructor(ref: string, has: string, needs: string) {
    super(`The image ${ref} is for ${has}; the engine runs ${needs}.`);
  }
}

/** A pull that stopped delivering bytes, twice. */
export class PullStalledError extends NexusError {
  readonly code = "NEXUS_PULL_STALLED";
  readonly exitCode = exitCodes.image;
  readonly remedy =
    "Check the connection of the engine's host to the registry, then run `nexus up` again: finished layers are kept.";

  constructor(ref: string, silentMs: number) {
    super(`The pull of ${ref} delivered nothing for ${Math.round(silentMs / 1000)} s, twice.`);
  }
}

/** A pull that failed for a reason none of the other classes names. */
export class PullFailedError extends NexusError {
  readonly code = "NEXUS_PULL_FAILED";
  readonly exitCode = exitCodes.image;
  readonly remedy =
    "Run `nexus up` again: finished layers are kept. If it fails the same way, the registry's copy is damaged.";

  constructor(ref: string, said: string, cause?: unknown) {
    super(`Pulling ${ref} failed: ${said}`, { cause });
  }
}

/** A credential helper of the Docker configuration that cannot be run, or answers nonsense. */
export class CredentialHelperError extends NexusError {
  readonly code = "NEXUS_CREDENTIAL_HELPER";
  readonly exitCode = exitCodes.image;
  readonly remedy: string;

  constructor(helper: string, registry: string, cause: unknown) {
    super(`The credential helper ${helper} could not be asked about ${registry}.`, { cause });
    this.remedy = `Make \`${helper}\` run (it is named in Docker's config.json), or remove it there and \`docker login ${registry}\`.`;
  }
}

/** An image build that failed; the message ends with the build's last lines. */
export class BuildFailedError extends NexusError {
  readonly code = "NEXUS_BUILD_FAILED";
  readonly exitCode = exitCodes.image;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(ref: string, said: string, lastLines: readonly string[]) {
    super([`Building ${ref} failed: ${said}`, ...lastLines].join("\n"));
    this.remedy = "Correct the Dockerfile where the last lines point, then run `nexus up` again.";
    this.details = { ref, engineMessage: said, lastLines };
  }
}
