/** Turns a service, or the gateway, into the container that is asked of the engine. */
import type { ContainerRequest, GpuDevices, GpuNote, Identity } from "../engine/engine.ts";
import { gatewayPaths } from "../gateway/config.ts";
import type { ContainerService, Mount, Stack } from "../stack/stack.ts";
import type { Blueprint } from "./config-hash.ts";
import { gatewayName, gatewayVolume, secretsVolume, stackNetwork } from "./names.ts";

/** The gateway's memory limit unless the stack sets one: twice and a half its budget with 1,000 streams. */
export const gatewayMemoryBytes = 512 * 1024 * 1024;

/** The user that the gateway runs as, owner of its volume and of its run folder. */
export const gatewayUser = 65_532;

const gatewayStopGraceMs = 10_000;
const runFolder = { target: "/run/nexus", sizeBytes: 1024 * 1024, mode: 0o700 };
const secretsFolder = "/run/secrets";
const hostAlias = "host.docker.internal";

/** Every container is hardened alike: no capability but those a service lists, no way to gain privileges. */
const hardened = { capDrop: ["ALL"], noNewPrivileges: true } as const;

/** A service's container on `network`, with the GPUs that were placed for it. */
export function serviceBlueprint(
  service: ContainerService,
  placed: Readonly<{ stack: string; network: string; gpus?: GpuDevices }>,
): Blueprint {
  return {
    ...hardened,
    ...chosen(service),
    ...(placed.gpus && { gpus: placed.gpus }),
    image: service.image.ref,
    environment: service.environment,
    readOnly: service.readOnly,
    init: service.init,
    capAdd: service.capAdd,
    mounts: [...service.mounts, ...secretsMount(placed.stack, service)],
    network: { name: placed.network, aliases: [service.name] },
    ports: service.ports,
    devices: service.devices,
    groupAdd: service.groupAdd,
    extraHosts: service.extraHosts,
    limits: service.limits,
    restart: service.restart,
    labels: service.labels,
    stopGraceMs: service.stopGraceMs,
  };
}

/** The gateway's container: unprivileged, read-only, published on the stack's host and on loopback. */
export function gatewayBlueprint(stack: Stack, image: string): Blueprint {
  return {
    ...hardened,
    image,
    environment: {},
    user: `${gatewayUser}:${gatewayUser}`,
    readOnly: true,
    init: true,
    capAdd: [],
    mounts: gatewayMounts(stack.name),
    network: { name: stackNetwork(stack.name), aliases: [gatewayName] },
    ports: gatewayPorts(stack),
    devices: [],
    groupAdd: [],
    extraHosts: gatewayHosts(stack),
    limits: { memoryBytes: gatewayMemoryBytes, ...stack.gateway.limits },
    restart: { name: "unless-stopped" },
    labels: {},
    stopGraceMs: gatewayStopGraceMs,
  };
}

/** A blueprint as a request for one generation of it. */
export function requestOf(
  blueprint: Blueprint,
  particulars: Readonly<{
    name: string;
    identity: Identity;
    aliases: readonly string[];
    gpuNote?: GpuNote;
  }>,
): ContainerRequest {
  const { aliases, ...rest } = particulars;
  return { ...blueprint, ...rest, network: { ...blueprint.network, aliases } };
}

type Chosen = Partial<
  Pick<Blueprint, "entrypoint" | "command" | "user" | "workingDir" | "shmBytes" | "healthcheck">
>;

/** Settings that stay the image's own unless the service chooses. */
function chosen(service: ContainerService): Chosen {
  const { entrypoint, command, user, workingDir, shmBytes, healthcheck } = service;
  return {
    ...(entrypoint && { entrypoint }),
    ...(command && { command }),
    ...(user !== undefined && { user }),
    ...(workingDir !== undefined && { workingDir }),
    ...(shmBytes !== undefined && { shmBytes }),
    ...(healthcheck && { healthcheck }),
  };
}

/** Whether a service reads anything below /run/secrets. */
export function hasSecrets({ secrets, gatewayKey }: ContainerService): boolean {
  return secrets.length > 0 || gatewayKey !== undefined;
}

function secretsMount(stack: string, service: ContainerService): readonly Mount[] {
  if (!hasSecrets(service)) return [];
  const source = secretsVolume(stack, service.name);
  return [{ kind: "volume", source, target: secretsFolder, readOnly: true, external: false }];
}

function gatewayMounts(stack: string): readonly Mount[] {
  const data = { source: gatewayVolume(stack), target: gatewayPaths.data };
  return [
    { kind: "volume", ...data, readOnly: false, external: false },
    { kind: "tmpfs", ...runFolder, uid: gatewayUser, gid: gatewayUser },
  ];
}

export function gatewayPorts({ gateway }: Stack): Blueprint["ports"] {
  const api = { hostIp: gateway.host, hostPort: gateway.port, containerPort: gatewayPaths.apiPort };
  const observability = {
    hostIp: "127.0.0.1",
    hostPort: gateway.observabilityPort,
    containerPort: gatewayPaths.observabilityPort,
  };
  return [
    { ...api, protocol: "tcp" },
    { ...observability, protocol: "tcp" },
  ];
}

/** Linux engines know the machine's own name only when told. */
function gatewayHosts({ services }: Stack): readonly string[] {
  const reachesHost = services.some(
    (service) => service.kind === "external" && new URL(service.url).hostname === hostAlias,
  );
  return reachesHost ? [`${hostAlias}:host-gateway`] : [];
}
