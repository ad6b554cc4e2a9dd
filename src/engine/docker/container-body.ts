/** A container request in the words of `POST /containers/create` (Docker Engine API 1.41). Pure. */
import type Docker from "dockerode";
import type { ContainerRequest, GpuDevices } from "../engine.ts";
import type { Healthcheck, Limits, Mount, PortBinding, RestartPolicy } from "../../stack/stack.ts";
import { gpuLabels } from "./gpu-label.ts";
import { identityLabels } from "./labels.ts";

type HostConfig = NonNullable<Docker.ContainerCreateOptions["HostConfig"]>;

/** The body that creates `request` attached to the network with this id. */
export function containerBody(
  request: ContainerRequest,
  networkId: string,
): Docker.ContainerCreateOptions {
  return {
    Image: request.image,
    Env: Object.entries(request.environment).map(([name, value]) => `${name}=${value}`),
    Labels: {
      ...request.labels,
      ...(request.gpuNote && gpuLabels(request.gpuNote)),
      ...identityLabels(request.identity),
    },
    StopTimeout: Math.ceil(request.stopGraceMs / 1000),
    ExposedPorts: Object.fromEntries(request.ports.map((port) => [portKey(port), {}])),
    ...(request.entrypoint === undefined ? {} : { Entrypoint: [...request.entrypoint] }),
    ...(request.command === undefined ? {} : { Cmd: [...request.command] }),
    ...(request.user === undefined ? {} : { User: request.user }),
    ...(request.workingDir === undefined ? {} : { WorkingDir: request.workingDir }),
    ...(request.healthcheck === undefined ? {} : { Healthcheck: healthBody(request.healthcheck) }),
    HostConfig: hostConfig(request, networkId),
    NetworkingConfig: {
      EndpointsConfig: { [networkId]: { Aliases: [...request.network.aliases] } },
    },
  };
}

function hostConfig(request: ContainerRequest, networkId: string): HostConfig {
  return {
    NetworkMode: networkId,
    // The wanted policy comes by `update` once the container is ready: a crash before that is seen, not repeated.
    RestartPolicy: { Name: "no" },
    LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
    Privileged: false,
    ReadonlyRootfs: request.readOnly,
    Init: request.init,
    CapAdd: [...request.capAdd],
    CapDrop: [...request.capDrop],
    SecurityOpt: request.noNewPrivileges ? ["no-new-privileges:true"] : [],
    ExtraHosts: [...request.extraHosts],
    PortBindings: portBindings(request.ports),
    Mounts: request.mounts.flatMap(mountBody),
    Tmpfs: Object.fromEntries(request.mounts.flatMap((mount) => tmpfsBody(mount, request.user))),
    ...deviceBody(request),
    ...limitsBody(request.limits),
    ...(request.shmBytes === undefined ? {} : { ShmSize: request.shmBytes }),
  };
}

/** Limits as create and update both take them; memory without swap, so that the limit is the limit. */
export function limitsBody({ memoryBytes, cpus, pids }: Limits): Readonly<{
  Memory?: number;
  MemorySwap?: number;
  NanoCpus?: number;
  PidsLimit: number;
}> {
  return {
    ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
    ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    PidsLimit: pids,
  };
}

/** A restart policy as create and update both take it. */
export function restartBody({ name, maximumRetryCount }: RestartPolicy): Docker.HostRestartPolicy {
  return { Name: name, MaximumRetryCount: maximumRetryCount ?? 0 };
}

// `Mounts`, never `Binds`: a bind whose source is missing is then refused instead of created as root.
function mountBody(mount: Mount): Docker.MountSettings[] {
  if (mount.kind === "tmpfs") return [];
  return [
    { Type: mount.kind, Source: mount.source, Target: mount.target, ReadOnly: mount.readOnly },
  ];
}

// A tmpfs over a folder of the image inherits that folder's mode (runc 1.1.5): only uid and gid make it writable.
function tmpfsBody(mount: Mount, user: string | undefined): [string, string][] {
  if (mount.kind !== "tmpfs") return [];
  const owner = numericUser(user);
  const options = {
    size: mount.sizeBytes,
    mode: (mount.mode ?? 0o1777).toString(8),
    uid: mount.uid ?? owner.uid,
    gid: mount.gid ?? owner.gid,
  };
  const written = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  return [[mount.target, ["rw", ...written].join(",")]];
}

function numericUser(user = ""): Readonly<{ uid?: number; gid?: number }> {
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(user) ?? [];
  return uid === undefined ? {} : { uid: Number(uid), gid: Number(gid ?? uid) };
}

function deviceBody({ devices, gpus, groupAdd }: ContainerRequest): HostConfig {
  const amd = gpus?.kind === "amd" ? gpus : { devices: [], groups: [] };
  const nodes = [
    ...devices,
    ...amd.devices.map((node) => ({ host: node, container: node, permissions: "rwm" })),
  ];
  return {
    Devices: nodes.map(({ host, container, permissions }) => ({
      PathOnHost: host,
      PathInContainer: container,
      CgroupPermissions: permissions,
    })),
    GroupAdd: [...groupAdd, ...amd.groups],
    ...(gpus === undefined || gpus.kind === "amd" ? {} : { DeviceRequests: [deviceRequest(gpus)] }),
  };
}

/** NVIDIA by the toolkit's hook, or any vendor by CDI; always by id, because `Count: n` gives everybody GPU 0. */
export function deviceRequest(gpus: Exclude<GpuDevices, { kind: "amd" }>): Docker.DeviceRequest {
  if (gpus.kind === "cdi") return { Driver: "cdi", DeviceIDs: [...gpus.ids] };
  return {
    Driver: "nvidia",
    DeviceIDs: [...gpus.ids],
    Capabilities: [["gpu", "compute", "utility"]],
  };
}

const portKey = ({ containerPort, protocol }: PortBinding): string =>
  `${containerPort}/${protocol}`;

function portBindings(ports: readonly PortBinding[]): Docker.PortMap {
  const bindings: Docker.PortMap = {};
  for (const port of ports) {
    const bound = { HostIp: port.hostIp, HostPort: String(port.hostPort) };
    bindings[portKey(port)] = [...(bindings[portKey(port)] ?? []), bound];
  }
  return bindings;
}

const nanoseconds = (milliseconds: number): number => milliseconds * 1e6;

function healthBody(check: Healthcheck): Docker.HealthConfig {
  return {
    Test: [...check.test],
    ...(check.intervalMs === undefined ? {} : { Interval: nanoseconds(check.intervalMs) }),
    ...(check.timeoutMs === undefined ? {} : { Timeout: nanoseconds(check.timeoutMs) }),
    ...(check.startPeriodMs === undefined ? {} : { StartPeriod: nanoseconds(check.startPeriodMs) }),
    ...(check.retries === undefined ? {} : { Retries: check.retries }),
  };
}
