/** An engine without a daemon, for tests of the rooms above; it keeps the same contract as the real one. */
import type {
  ContainerRequest,
  Engine,
  EngineDescription,
  EngineEvent,
  Gpu,
  Observed,
} from "../../src/engine/engine.ts";
import { InMemoryContainers } from "./in-memory/containers.ts";
import { lookAround } from "./in-memory/observing.ts";
import {
  InMemoryImages,
  InMemoryNetworks,
  InMemoryVolumes,
  addImage,
} from "./in-memory/resources.ts";
import { World } from "./in-memory/world.ts";
import type { Behaviour, RecordedCall } from "./in-memory/world.ts";

export type { Behaviour, Files, ProcessResult, RecordedCall } from "./in-memory/world.ts";

/** What an engine in memory begins with. */
export type InMemoryOptions = Readonly<{
  /** References it already has. */
  images?: readonly string[];
  /** References that a pull finds. */
  registry?: readonly string[];
  /** What containers of a request do; they stay up by default. */
  behaviour?: (request: ContainerRequest) => Behaviour;
  description?: Partial<EngineDescription>;
  gpus?: readonly Gpu[];
}>;

/** An engine whose containers do what `behaviour` says, and which remembers every call. */
export class InMemoryEngine implements Engine {
  readonly images: InMemoryImages;
  readonly networks: InMemoryNetworks;
  readonly volumes: InMemoryVolumes;
  readonly containers: InMemoryContainers;
  /** The state itself, for arranging what no call can bring about. */
  readonly world = new World();
  readonly #options: InMemoryOptions;

  constructor(options: InMemoryOptions = {}) {
    const { images = [], registry = [], behaviour = () => ({}) } = options;
    this.#options = options;
    this.images = new InMemoryImages(this.world);
    this.networks = new InMemoryNetworks(this.world);
    this.volumes = new InMemoryVolumes(this.world);
    this.containers = new InMemoryContainers(this.world, behaviour);
    for (const ref of images) addImage(this.world, ref, {});
    for (const ref of registry) this.world.registry.add(ref);
  }

  /** Every call so far. */
  get calls(): readonly RecordedCall[] {
    return this.world.calls;
  }

  /** The calls so far that change something. */
  get writes(): readonly string[] {
    return this.calls.filter(({ writes }) => writes).map(({ call }) => call);
  }

  async describe(): Promise<EngineDescription> {
    return { ...plainDescription, ...this.#options.description };
  }

  async observe(stack: string, images: readonly string[]): Promise<Observed> {
    this.world.record(`observe ${stack}`, { writes: false });
    return lookAround(this.world, stack, images);
  }

  async stacks(): Promise<readonly string[]> {
    const { containers, networks, volumes } = this.world;
    const stacks = [
      ...[...containers.values()].map(({ request }) => request.identity.stack),
      ...[...networks.values(), ...volumes.values()].flatMap(({ stack }) => stack ?? []),
    ];
    return [...new Set(stacks)].toSorted();
  }

  events(stack: string, signal: AbortSignal): AsyncIterable<EngineEvent> {
    return this.world.events(stack, signal);
  }

  async gpus(_image: string): Promise<readonly Gpu[]> {
    return this.#options.gpus ?? [];
  }

  close(): void {
    for (const held of this.world.containers.values()) clearTimeout(held.end);
  }
}

const plainDescription: EngineDescription = {
  id: "in-memory",
  kind: "docker",
  version: "28.0.0",
  apiVersion: "1.48",
  os: "linux",
  system: "Debian GNU/Linux 12 (bookworm)",
  architecture: "amd64",
  cpus: 8,
  memoryBytes: 32 * 1024 ** 3,
  rootless: false,
  virtualMachine: false,
  endpoint: "memory",
  local: true,
  gpuKinds: [],
  cdiDevices: [],
  cgroupDriver: "cgroupfs",
  rootDir: "/var/lib/docker",
  clockSkewMs: 0,
};
