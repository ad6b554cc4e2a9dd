/** What `GET /containers/{id}/json` says, in our words. Pure. */
import type Docker from "dockerode";
import type { ContainerState, ForeignContainer, GpuDevices, ObservedContainer } from "../engine.ts";
import type { Limits, PortBinding, RestartPolicy } from "../../stack/stack.ts";
import { readGpuNote } from "./gpu-label.ts";
import { composeProjectOf, ownerOf, readIdentity } from "./labels.ts";

/** Names of networks by id. */
export type NetworkNames = ReadonlyMap<string, string>;

/** Translates an inspection. */
export function readContainer(
  info: Docker.ContainerInspectInfo,
  networks: NetworkNames,
): ObservedContainer {
  const { Config, HostConfig, State } = info;
  const identity = readIdentity(Config.Labels ?? {});
  const gpus = readGpus(HostConfig);
  const gpuNote = readGpuNote(Config.Labels ?? {});
  const health = readHealth(State.Health?.Status);
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ""),
    ...(identity === undefined ? {} : { identity }),
    image: Config.Image,
    imageId: info.Image,
    state: readState(State.Status),
    exitCode: State.ExitCode,
    oomKilled: State.OOMKilled,
    error: State.Error,
    ...(health === undefined ? {} : { health }),
    startedAt: readTime(State.StartedAt),
    finishedAt: readTime(State.FinishedAt),
    restartCount: info.RestartCount,
    restart: readRestart(HostConfig.RestartPolicy),
    limits: readLimits(HostConfig),
    networks: readNetworks(info, networks),
    volumes: info.Mounts.flatMap((mount) => (mount.Name === undefined ? [] : [mount.Name])),
    ports: readBindings(HostConfig.PortBindings),
    ...(gpus === undefined ? {} : { gpus }),
    ...(gpuNote === undefined ? {} : { gpuNote }),
    security: readSecurity(info),
  };
}

/** Podman says `stopped`, `configured` and `initialized` where Docker says `exited` and `created`. */
export function readState(state: string): ContainerState {
  const podman: Readonly<Record<string, ContainerState>> = {
    stopped: "exited",
    stopping: "running",
    configured: "created",
    initialized: "created",
  };
  return podman[state] ?? (state as ContainerState);
}

const never = "0001-01-01T00:00:00Z";
const readTime = (time: string): string => (time === never ? "" : time);

function readHealth(status: string | undefined): ObservedContainer["health"] {
  return status === "starting" || status === "healthy" || status === "unhealthy"
    ? status
    : undefined;
}

function readRestart(policy: Docker.HostRestartPolicy | undefined): RestartPolicy {
  const name = policy?.Name ?? "";
  const retries = policy?.MaximumRetryCount ?? 0;
  return {
    name: name === "" ? "no" : (name as RestartPolicy["name"]),
    ...(retries > 0 ? { maximumRetryCount: retries } : {}),
  };
}

function readLimits({ Memory, NanoCpus, PidsLimit }: Docker.HostConfig): Limits {
  return {
    ...((Memory ?? 0) > 0 ? { memoryBytes: Memory ?? 0 } : {}),
    ...((NanoCpus ?? 0) > 0 ? { cpus: (NanoCpus ?? 0) / 1e9 } : {}),
    pids: PidsLimit ?? 0,
  };
}

// Until it has run, an engine of API 1.41 knows a container's networks by name alone.
function readNetworks(
  info: Docker.ContainerInspectInfo,
  names: NetworkNames,
): ObservedContainer["networks"] {
  return Object.entries(info.NetworkSettings.Networks ?? {}).map(([key, endpoint]) => {
    const id = endpoint.NetworkID === "" ? idOf(key, names) : endpoint.NetworkID;
    return { id, name: names.get(id) ?? key, aliases: endpoint.Aliases ?? [] };
  });
}

function idOf(key: string, names: NetworkNames): string {
  return [...names].find(([, name]) => name === key)?.[0] ?? key;
}

/** True when a container's networks can only be told with the engine's list of networks at hand. */
export function needsNetworkNames(info: Docker.ContainerInspectInfo): boolean {
  return Object.values(info.NetworkSettings.Networks ?? {}).some(
    ({ NetworkID }) => NetworkID === "",
  );
}

/** The ports asked for, whether the container runs or not. */
export function readBindings(bindings: Docker.PortMap | undefined): readonly PortBinding[] {
  return Object.entries(bindings ?? {}).flatMap(([key, bound]) =>
    (bound ?? []).map(({ HostIp, HostPort }) => ({
      hostIp: HostIp === undefined || HostIp === "" ? "0.0.0.0" : HostIp,
      hostPort: Number(HostPort),
      containerPort: Number.parseInt(key, 10),
      protocol: key.endsWith("/udp") ? ("udp" as const) : ("tcp" as const),
    })),
  );
}

function readGpus({
  DeviceRequests,
  Devices,
  GroupAdd,
}: Docker.HostConfig): GpuDevices | undefined {
  const [request] = DeviceRequests ?? [];
  if (request !== undefined)
    return { kind: request.Driver === "cdi" ? "cdi" : "nvidia", ids: request.DeviceIDs ?? [] };
  const nodes = (Devices ?? []).map((device: { PathOnHost: string }) => device.PathOnHost);
  if (!nodes.includes("/dev/kfd")) return undefined;
  const devices = nodes.filter(
    (node: string) => node === "/dev/kfd" || node.startsWith("/dev/dri/"),
  );
  return { kind: "amd", devices, groups: GroupAdd ?? [] };
}

function readSecurity({
  Config,
  HostConfig,
}: Docker.ContainerInspectInfo): ObservedContainer["security"] {
  const options: readonly string[] = HostConfig.SecurityOpt ?? [];
  return {
    readOnly: HostConfig.ReadonlyRootfs ?? false,
    privileged: HostConfig.Privileged ?? false,
    noNewPrivileges: options.some((option) => /^no-new-privileges([:=]true)?$/.test(option)),
    capAdd: readCapabilities(HostConfig.CapAdd),
    capDrop: readCapabilities(HostConfig.CapDrop),
    user: Config.User,
  };
}

/** Newer engines answer `CAP_NET_ADMIN` where `NET_ADMIN` was asked for. */
function readCapabilities(capabilities: unknown): readonly string[] {
  const given: readonly unknown[] = Array.isArray(capabilities) ? capabilities : [];
  return given.map((capability) => String(capability).toUpperCase().replace(/^CAP_/, ""));
}

/** A container of somebody else's, from the list alone. */
export function readForeign(info: Docker.ContainerInfo): ForeignContainer {
  return {
    id: info.Id,
    name: (info.Names?.[0] ?? info.Id).replace(/^\//, ""),
    image: info.Image,
    running: readState(info.State) === "running",
    createdAt: new Date(info.Created * 1_000).toISOString(),
    ports: (info.Ports ?? []).flatMap(readListedPort),
    volumes: (info.Mounts ?? []).flatMap(({ Name }) => Name ?? []),
    ...readBelongings(info.Labels ?? {}),
  };
}

function readBelongings(
  labels: Readonly<Record<string, string>>,
): Pick<ForeignContainer, "owner" | "service" | "compose" | "gpuNote"> {
  const owner = ownerOf(labels);
  const service = readIdentity(labels)?.service;
  const compose = composeProjectOf(labels);
  const gpuNote = readGpuNote(labels);
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(service === undefined ? {} : { service }),
    ...(compose === undefined ? {} : { compose }),
    ...(gpuNote === undefined ? {} : { gpuNote }),
  };
}

function readListedPort({
  IP,
  PublicPort,
  PrivatePort,
  Type,
}: Docker.Port): readonly PortBinding[] {
  if (!PublicPort) return [];
  const protocol = Type === "udp" ? "udp" : "tcp";
  return [{ hostIp: IP || "0.0.0.0", hostPort: PublicPort, containerPort: PrivatePort, protocol }];
}
