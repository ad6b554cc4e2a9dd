/** One snapshot of everything a plan needs to know. */
import type Docker from "dockerode";
import type {
  Observed,
  ObservedContainer,
  ObservedImage,
  ObservedNetwork,
  ObservedVolume,
} from "../engine.ts";
import type { DockerClient } from "./client.ts";
import { isRefusal } from "./failure.ts";
import { stackLabel } from "./labels.ts";
import { needsNetworkNames, readContainer, readForeign } from "./observed-container.ts";
import type { NetworkNames } from "./observed-container.ts";

/** Takes the snapshot in parallel calls; what vanishes between two of them is left out. */
export async function observe(
  client: DockerClient,
  stack: string,
  refs: readonly string[],
): Promise<Observed> {
  const [listed, networks, volumes, images] = await Promise.all([
    client.read("list containers", async (docker, options) =>
      docker.listContainers({ all: true, ...options }),
    ),
    listNetworks(client),
    listVolumes(client),
    inspectImages(client, refs),
  ]);
  const ours = listed.filter((container) => container.Labels[stackLabel] === stack);
  const names = namesOf(networks);
  const inspected = await Promise.all(
    ours.map(async ({ Id }) => inspectContainer(client, Id, names)),
  );
  return {
    containers: inspected.filter((container) => container !== undefined),
    foreign: listed.filter((container) => !ours.includes(container)).map(readForeign),
    networks: networks
      .filter((network) => concerns(network, stack))
      .map((network) => readNetwork(network, listed)),
    volumes,
    images,
  };
}

/** Inspects one container; undefined when it is gone. The names of networks are asked for when missing and needed. */
export async function inspectContainer(
  client: DockerClient,
  id: string,
  names?: NetworkNames,
): Promise<ObservedContainer | undefined> {
  const info = await unlessMissing(
    client.read(`inspect container ${id}`, async (docker, options) =>
      docker.getContainer(id).inspect(options),
    ),
  );
  if (info === undefined) return undefined;
  const known = names ?? (needsNetworkNames(info) ? await networkNames(client) : new Map());
  return readContainer(info, known);
}

async function networkNames(client: DockerClient): Promise<NetworkNames> {
  return namesOf(await listNetworks(client));
}

const namesOf = (networks: readonly Docker.NetworkInspectInfo[]): NetworkNames =>
  new Map(networks.map(({ Id, Name }) => [Id, Name]));

/** Networks of the engine, as its list has them: without the containers attached. */
export async function listNetworks(
  client: DockerClient,
  filters: Readonly<Record<string, string[]>> = {},
): Promise<readonly Docker.NetworkInspectInfo[]> {
  return client.read("list networks", async (docker, options) =>
    docker.listNetworks({ filters, ...options }),
  );
}

/** Resolves with undefined where the engine says 404. */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error, 404)) return undefined;
    throw error;
  }
}

function concerns({ Name, Labels }: Docker.NetworkInspectInfo, stack: string): boolean {
  return Labels?.[stackLabel] === stack || Name === stack || Name === `${stack}-internal`;
}

function readNetwork(
  { Id, Name, Labels, Internal }: Docker.NetworkInspectInfo,
  listed: readonly Docker.ContainerInfo[],
): ObservedNetwork {
  const stack = Labels?.[stackLabel];
  return {
    id: Id,
    name: Name,
    ...(stack === undefined ? {} : { stack }),
    internal: Internal,
    containers: listed
      .filter((container) => isAttached(container, Id))
      .map((container) => container.Id),
  };
}

function isAttached({ NetworkSettings }: Docker.ContainerInfo, network: string): boolean {
  return Object.entries(NetworkSettings?.Networks ?? {}).some(
    ([key, endpoint]) => endpoint.NetworkID === network || key === network,
  );
}

/** All volumes of the engine. */
export async function listVolumes(
  client: DockerClient,
  filters: Readonly<Record<string, string[]>> = {},
): Promise<readonly ObservedVolume[]> {
  const { Volumes } = await client.read("list volumes", async (docker, options) =>
    docker.listVolumes({ filters, ...options }),
  );
  return (Volumes ?? []).map(readVolume);
}

/** Translates one volume; the engine's own fields only. */
export function readVolume(volume: Docker.VolumeInspectInfo): ObservedVolume {
  const stack = volume.Labels?.[stackLabel];
  const created =
    "CreatedAt" in volume && typeof volume.CreatedAt === "string" ? volume.CreatedAt : "";
  return {
    name: volume.Name,
    ...(stack === undefined ? {} : { stack }),
    driver: volume.Driver,
    labels: volume.Labels ?? {},
    createdAt: created,
  };
}

async function inspectImages(
  client: DockerClient,
  refs: readonly string[],
): Promise<Readonly<Record<string, ObservedImage>>> {
  const found = await Promise.all(
    refs.map(async (ref) => [ref, await inspectImage(client, ref)] as const),
  );
  return Object.fromEntries(
    found.flatMap(([ref, image]) => (image === undefined ? [] : [[ref, image]])),
  );
}

/** Inspects one image; undefined when the engine does not have it. */
export async function inspectImage(
  client: DockerClient,
  ref: string,
): Promise<ObservedImage | undefined> {
  const info = await unlessMissing(
    client.read(`inspect image ${ref}`, async (docker) => docker.getImage(ref).inspect()),
  );
  if (info === undefined) return undefined;
  return {
    id: info.Id,
    digests: info.RepoDigests ?? [],
    architecture: info.Architecture,
    os: info.Os,
    sizeBytes: info.Size,
  };
}

/** Every stack that has a container, network or volume on this engine, sorted. */
export async function listStacks(client: DockerClient): Promise<readonly string[]> {
  const filters = { label: [stackLabel] };
  const [containers, networks, volumes] = await Promise.all([
    client.read("list containers", async (docker, options) =>
      docker.listContainers({ all: true, filters, ...options }),
    ),
    listNetworks(client, filters),
    listVolumes(client, filters),
  ]);
  const labels = [
    ...containers.map((c) => c.Labels),
    ...networks.map((n) => n.Labels ?? {}),
    ...volumes.map((v) => v.labels),
  ];
  return [...new Set(labels.flatMap((label) => label[stackLabel] ?? []))].toSorted();
}
