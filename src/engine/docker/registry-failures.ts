/** What a failed pull means, by its words: engines of API 1.41 say all of it with status 500. */
import {
  ImageNotFoundError,
  ImagePlatformError,
  PullFailedError,
  RateLimitedError,
  RegistryLoginError,
  RegistryUnreachableError,
} from "../errors/image.ts";
import { DiskFullError } from "../errors/resources.ts";

/** The pull that failed, and which credentials it was tried with. */
export type FailedPull = Readonly<{
  ref: string;
  registry: string;
  tried: string;
  platform: string;
}>;

type Reading = (pull: FailedPull, said: string) => Error;

// In this order: the first that matches decides.
const readings: readonly (readonly [RegExp, Reading])[] = [
  [/no space left on device/i, ({ ref }, said) => new DiskFullError(`the pull of ${ref}`, said)],
  [
    /toomanyrequests|too many requests|429/i,
    ({ ref, registry }, said) => new RateLimitedError(ref, registry, said),
  ],
  [
    /no matching manifest for|does not match the specified platform|no image found in (?:manifest list|image index) for/i,
    ({ ref, platform }) => new ImagePlatformError(ref, "other platforms only", platform),
  ],
  [
    /no basic auth credentials|unauthorized|authentication required|access denied|denied:|incorrect username or password|403 forbidden/i,
    (pull, said) => new RegistryLoginError(pull, said),
  ],
  [
    /manifest unknown|manifest for .* not found|name unknown|repository .* not found|not found: manifest|no such image/i,
    ({ ref }, said) => new ImageNotFoundError(ref, said),
  ],
  [
    /dial tcp|no such host|connection refused|i\/o timeout|tls handshake|x509|proxyconnect|unexpected http status: 5|eof|connection reset|context deadline exceeded|request canceled|server misbehaving|http response to https client/i,
    ({ ref, registry }, said) => new RegistryUnreachableError(ref, registry, said),
  ],
];

/** The class that fits what the engine said. */
export function readPullFailure(said: string, pull: FailedPull): Error {
  const match = readings.find(([words]) => words.test(said));
  return match === undefined ? new PullFailedError(pull.ref, said) : match[1](pull, said);
}
