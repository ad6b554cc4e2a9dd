/** What the engine's refusals about a container mean: its words, because most of them come as status 500. */
import { EngineError } from "../errors/connection.ts";
import { AddressNotLocalError, PrivilegedPortError } from "../errors/conflict.ts";
import {
  BindSourceMissingError,
  CommandNotFoundError,
  ContainerMissingError,
  NetworkMissingError,
  SettingRefusedError,
  UserMissingError,
} from "../errors/container.ts";
import { ImageMissingError, ImagePlatformError } from "../errors/image.ts";
import { DeviceMissingError, GpuUnavailableError, LimitRefusedError } from "../errors/resources.ts";

/** The container that was refused something. */
export type Refused = Readonly<{ name: string; image: string }>;

type Reading = (refused: Refused, refusal: EngineError) => Error;

const gpuWords =
  /could not select device driver|nvidia-container-cli|nvml|unknown(?: or invalid)? runtime(?: name| specified)?:? nvidia|CDI device|unresolvable CDI/i;

// In this order: the first that matches decides.
const readings: readonly (readonly [RegExp, Reading])[] = [
  [gpuWords, (_, { said, cause }) => new GpuUnavailableError(said, cause)],
  [/no such image/i, ({ image }, { cause }) => new ImageMissingError(image, cause)],
  [
    /does not match the (?:specified|detected host) platform/i,
    ({ image }, { said }) =>
      new ImagePlatformError(image, platformIn(said, "actual"), platformIn(said, "wanted")),
  ],
  [
    /custom device "\/dev\/(?:kfd|dri)/,
    (_, { said, cause }) => new GpuUnavailableError(said, cause),
  ],
  [
    /error gathering device information/i,
    (_, { said, cause }) => new DeviceMissingError(said, cause),
  ],
  [
    /bind source path does not exist|trying to mount a directory onto a file|not a directory.*mount|mount.*not a directory/is,
    ({ name }, { said, cause }) => new BindSourceMissingError(name, said, cause),
  ],
  [
    /unable to find (?:user|group)|no matching entries in (?:passwd|group) file/i,
    ({ name }, { said, cause }) => new UserMissingError(name, said, cause),
  ],
  [
    /executable file not found|no command specified|exec: .*(?:no such file or directory|permission denied|is a directory|not a directory)|exec format error/is,
    ({ name }, { said, cause }) => new CommandNotFoundError(name, said, cause),
  ],
  [
    /cannot assign requested address/i,
    (_, { said, cause }) => new AddressNotLocalError(said, cause),
  ],
  [/cannot expose privileged port/i, (_, { said, cause }) => new PrivilegedPortError(said, cause)],
  [
    /network \S+ (?:not found|is ambiguous)|could not find a network|network .* does not exist/i,
    ({ name }, { said, cause }) => new NetworkMissingError(name, said, cause),
  ],
  [
    /memory limit|range of cpus|cpuset|pids limit|more than (?:the )?\w*memory|limit.*smaller than|already set memoryswap/i,
    (_, { said, cause }) => new LimitRefusedError(said, cause),
  ],
  [
    /sysctl|apparmor|seccomp|invalid CapAdd|invalid CapDrop|unknown capability/i,
    ({ name }, { said, cause }) => new SettingRefusedError(name, said, cause),
  ],
  [/no such container/i, ({ name }, { cause }) => new ContainerMissingError(name, cause)],
];

/** The class that fits a refusal, or the thing thrown as it was. */
export function readRefusal(error: unknown, refused: Refused): unknown {
  if (!(error instanceof EngineError)) return error;
  const match = readings.find(([words]) => words.test(error.said));
  return match === undefined ? error : match[1](refused, error);
}

function platformIn(said: string, key: "wanted" | "actual"): string {
  return new RegExp(`${key}:? (\\S+?),?(?:\\s|$)`).exec(said)?.[1] ?? "another platform";
}

/** The host address and port of a refusal because of a port in use; undefined for any other. */
export function takenPort(error: unknown): Readonly<{ address: string; port: number }> | undefined {
  if (!(error instanceof EngineError)) return undefined;
  if (!/port is already allocated|address already in use/i.test(error.said)) return undefined;
  const found =
    /Bind for (\S+):(\d+) failed/.exec(error.said) ??
    /listen (?:tcp|udp)[46]? (\S+):(\d+)/.exec(error.said) ??
    /(\d+\.\d+\.\d+\.\d+):(\d+)/.exec(error.said);
  return { address: found?.[1] ?? "the engine's host", port: Number(found?.[2] ?? 0) };
}
