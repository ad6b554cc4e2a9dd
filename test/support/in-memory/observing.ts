/** Looking at what an engine in memory has. */
import { ownerOf } from "../../../src/engine/docker/labels.ts";
import type {
  ForeignContainer,
  Observed,
  ObservedContainer,
  ObservedImage,
  ObservedNetwork,
  ObservedVolume,
} from "../../../src/engine/engine.ts";
import type { Held, World } from "./world.ts";

/** One container, as an inspection shows it. */
export function lookAt(world: World, held: Held): ObservedContainer {
  const { id, request, networks, imageId } = held;
  const { name, identity, image, ports, gpus, gpuNote, mounts } = request;
  return {
    id,
    name,
    identity,
    image,
    imageId,
    ports,
    ...(gpus === undefined ? {} : { gpus }),
    ...(gpuNote === undefined ? {} : { gpuNote }),
    ...pick(held, [
      "state",
      "exitCode",
      "oomKilled",
      "error",
      "startedAt",
      "finishedAt",
      "restart",
      "limits",
    ]),
    restartCount: 0,
    networks: [...networks].map(([network, aliases]) => ({
      id: network,
      name: world.networks.get(network)?.name ?? network,
      aliases,
    })),
    volumes: mounts.flatMap((mount) => (mount.kind === "volume" ? [mount.source] : [])),
    security: {
      readOnly: request.readOnly,
      privileged: false,
      noNewPrivileges: request.noNewPrivileges,
      capAdd: request.capAdd,
      capDrop: request.capDrop,
      user: request.user ?? "",
    },
  };
}

function pick<Whole, Key extends keyof Whole>(
  whole: Whole,
  keys: readonly Key[],
): Pick<Whole, Key> {
  return Object.fromEntries(keys.map((key) => [key, whole[key]])) as Pick<Whole, Key>;
}

/** The snapshot a plan is made of. */
export function lookAround(world: World, stack: string, refs: readonly string[]): Observed {
  const all = [...world.containers.values()];
  const isOurs = (held: Held) => held.request.identity.stack === stack;
  return {
    containers: all.filter(isOurs).map((held) => lookAt(world, held)),
    foreign: all.filter((held) => !isOurs(held)).map(lookFromOutside),
    networks: [...world.networks.values()]
      .filter(
        (network) => network.stack === stack || [stack, `${stack}-internal`].includes(network.name),
      )
      .map((network) => lookAtNetwork(world, network.id)),
    volumes: [...world.volumes.values()].map(lookAtVolume),
    images: Object.fromEntries(refs.flatMap((ref) => imageEntry(world, ref))),
  };
}

function imageEntry(world: World, ref: string): readonly (readonly [string, ObservedImage])[] {
  const image = lookAtImage(world, ref);
  return image === undefined ? [] : [[ref, image]];
}

/** One image without what only a list tells. */
export function lookAtImage(world: World, ref: string): ObservedImage | undefined {
  const image = world.images.get(ref);
  return image === undefined
    ? undefined
    : pick(image, ["id", "digests", "architecture", "os", "sizeBytes"]);
}

/** One volume, without its files. */
export function lookAtVolume(volume: ObservedVolume): ObservedVolume {
  const { files: _files, ...rest } = volume as ObservedVolume & { readonly files?: unknown };
  return rest;
}

function lookAtNetwork(world: World, id: string): ObservedNetwork {
  const { name, stack, internal } = world.networks.get(id) ?? {
    name: id,
    stack: "",
    internal: false,
  };
  return { id, name, stack, internal, containers: attachedTo(world, id) };
}

/** Ids of the containers on a network. */
export function attachedTo(world: World, network: string): readonly string[] {
  return [...world.containers.values()]
    .filter(({ networks }) => networks.has(network))
    .map(({ id }) => id);
}

function lookFromOutside({ id, request, state, createdAt }: Held): ForeignContainer {
  const running = state === "running";
  const owner = ownerOf({ "io.nexus.stack": request.identity.stack }) ?? "";
  return {
    id,
    name: request.name,
    image: request.image,
    running,
    createdAt,
    ports: running ? request.ports : [],
    volumes: request.mounts.flatMap((mount) => (mount.kind === "volume" ? [mount.source] : [])),
    owner,
    service: request.identity.service,
    ...(request.gpuNote === undefined ? {} : { gpuNote: request.gpuNote }),
  };
}
