/** Networks, volumes and images of an engine in memory. */
import { createHash } from "node:crypto";
import type {
  ArchiveEntry,
  BuildProgress,
  Images,
  NetworkRequest,
  Networks,
  ObservedImage,
  ObservedVolume,
  PullProgress,
  VolumeRequest,
  Volumes,
} from "../../../src/engine/engine.ts";
import {
  ImageNotFoundError,
  NameTakenError,
  VolumeInUseError,
} from "../../../src/engine/errors.ts";
import { attachedTo, lookAtImage, lookAtVolume } from "./observing.ts";
import type { World } from "./world.ts";

type Labels = Readonly<Record<string, string>>;

/** Networks. */
export class InMemoryNetworks implements Networks {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async create({ name, stack, internal }: NetworkRequest): Promise<string> {
    this.#world.record(`networks.create ${name}`, { writes: true });
    const existing = [...this.#world.networks.values()].find((network) => network.name === name);
    if (existing !== undefined && existing.stack !== stack)
      throw new NameTakenError("network", name, { id: existing.id, owner: existing.stack });
    const id = existing?.id ?? this.#world.nextId();
    this.#world.networks.set(id, existing ?? { id, name, stack, internal });
    return id;
  }

  async connect(network: string, container: string, aliases: readonly string[]): Promise<void> {
    this.#world.record(`networks.connect ${network} ${container}`, { writes: true });
    this.#world.containers.get(container)?.networks.set(network, aliases);
  }

  async disconnect(network: string, container: string): Promise<void> {
    this.#world.record(`networks.disconnect ${network} ${container}`, { writes: true });
    this.#world.containers.get(container)?.networks.delete(network);
  }

  async remove(id: string): Promise<"removed" | "in-use"> {
    this.#world.record(`networks.remove ${this.#world.networks.get(id)?.name ?? id}`, {
      writes: true,
    });
    if (attachedTo(this.#world, id).length > 0) return "in-use";
    this.#world.networks.delete(id);
    return "removed";
  }
}

/** Volumes. */
export class InMemoryVolumes implements Volumes {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async create({ name, stack, driver, labels }: VolumeRequest): Promise<ObservedVolume> {
    this.#world.record(`volumes.create ${name}`, { writes: true });
    const volume = this.#world.volumes.get(name) ?? {
      name,
      ...(stack === undefined ? {} : { stack }),
      driver: driver ?? "local",
      labels: { ...labels, ...(stack === undefined ? {} : { "io.nexus.stack": stack }) },
      createdAt: new Date().toISOString(),
      files: new Map<string, string>(),
    };
    this.#world.volumes.set(name, volume);
    return lookAtVolume(volume);
  }

  async inspect(name: string): Promise<ObservedVolume | undefined> {
    this.#world.record(`volumes.inspect ${name}`, { writes: false });
    const volume = this.#world.volumes.get(name);
    return volume === undefined ? undefined : lookAtVolume(volume);
  }

  async list(label: string): Promise<readonly ObservedVolume[]> {
    this.#world.record(`volumes.list ${label}`, { writes: false });
    return [...this.#world.volumes.values()]
      .filter(({ labels }) => carries(labels, label))
      .map(lookAtVolume);
  }

  async remove(name: string): Promise<void> {
    this.#world.record(`volumes.remove ${name}`, { writes: true });
    const user = [...this.#world.containers.values()].find(({ request }) =>
      request.mounts.some((mount) => mount.kind === "volume" && mount.source === name),
    );
    if (user !== undefined)
      throw new VolumeInUseError(name, `mounted by ${user.request.name}`, undefined);
    this.#world.volumes.delete(name);
  }
}

/** Images. */
export class InMemoryImages implements Images {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async inspect(ref: string): Promise<ObservedImage | undefined> {
    this.#world.record(`images.inspect ${ref}`, { writes: false });
    return lookAtImage(this.#world, ref);
  }

  async *pull(ref: string): AsyncGenerator<PullProgress> {
    this.#world.record(`images.pull ${ref}`, { writes: true });
    if (!this.#world.registry.has(ref)) throw new ImageNotFoundError(ref, "manifest unknown");
    yield {
      status: "Pulling fs layer",
      downloadedBytes: 0,
      totalBytes: 0,
      layersDone: 0,
      layers: 1,
    };
    addImage(this.#world, ref, {});
    yield {
      status: "Pull complete",
      downloadedBytes: 1000,
      totalBytes: 1000,
      layersDone: 1,
      layers: 1,
    };
  }

  async *build({
    ref,
    labels,
  }: Readonly<{ ref: string; labels: Labels }>): AsyncGenerator<BuildProgress> {
    this.#world.record(`images.build ${ref}`, { writes: true });
    yield { line: "Step 1/1 : FROM scratch" };
    addImage(this.#world, ref, labels);
  }

  async *assemble({
    ref,
    labels,
  }: Readonly<{
    ref: string;
    entries: readonly ArchiveEntry[];
    labels: Labels;
  }>): AsyncGenerator<BuildProgress> {
    this.#world.record(`images.assemble ${ref}`, { writes: true });
    yield { line: "Step 1/1 : FROM scratch" };
    addImage(this.#world, ref, labels);
  }

  async remove(ref: string): Promise<void> {
    this.#world.record(`images.remove ${ref}`, { writes: true });
    this.#world.images.delete(ref);
  }

  async list(label: string): ReturnType<Images["list"]> {
    this.#world.record(`images.list ${label}`, { writes: false });
    return [...this.#world.images]
      .filter(([, { labels }]) => carries(labels, label))
      .map(([ref, { id, labels }]) => ({ id, refs: [ref], labels }));
  }
}

/** Puts an image into the engine, as if it had been pulled or built. */
export function addImage(world: World, ref: string, labels: Labels): void {
  const id = `sha256:${createHash("sha256").update(ref).digest("hex")}`;
  world.images.set(ref, {
    id,
    digests: [],
    architecture: "amd64",
    os: "linux",
    sizeBytes: 1000,
    labels,
  });
}

function carries(labels: Labels, filter: string): boolean {
  const [name = "", value] = filter.split("=");
  return value === undefined ? name in labels : labels[name] === value;
}
