/** A tiny world that plans can be applied to: just enough of an engine and a gateway to plan again afterwards. */
import type { ContainerRequest, Observed, ObservedContainer } from "../../src/engine/engine.ts";
import { configHash, type GatewayConfig, type Upstream } from "../../src/gateway/config.ts";
import type { StackReadiness } from "../../src/gateway/protocol.ts";
import { samePort } from "../../src/plan/overlap.ts";
import type { Action, ActionKind, AwaitTarget } from "../../src/plan/plan.ts";
import { container, image, network, observedOf, readinessOf, volume } from "../support/builders.ts";

/** The world at one moment. */
export type World = Readonly<{
  observed: Observed;
  /** What the gateway has in its volume. */
  config?: GatewayConfig;
  /** By service: what its model store holds. */
  models: Readonly<Record<string, readonly string[]>>;
  /** Addresses of what the gateway has proven. */
  proven: readonly string[];
}>;

export const emptyWorld: World = { observed: observedOf(), models: {}, proven: [] };

/** The world after one action. Throws where a real engine would refuse. */
export function applied(world: World, action: Action): World {
  const effect = effects[action.kind] as (world: World, action: Action) => World;
  return effect(world, action);
}

/** The world after all of them, in this order. */
export function appliedAll(world: World, actions: readonly Action[]): World {
  return actions.reduce(applied, world);
}

/** What the gateway would say; undefined while none runs. */
export function readinessIn(world: World): StackReadiness | undefined {
  const { config, models, proven } = world;
  if (!config || !gatewayRuns(world)) return undefined;
  const upstreams = config.upstreams.map(({ id, url, external }) => {
    const serves = external || running(world).some(({ name }) => name === new URL(url).hostname);
    return {
      id,
      url,
      state: serves ? "ready" : "unreachable",
      present_models: models[id] ?? [],
      ...(proven.includes(url) && { proven: true as const }),
    } as const;
  });
  return readinessOf(configHash(config), upstreams);
}

function prove(world: World, { level, upstream }: AwaitTarget): World {
  if (level !== "proven" || !upstream) return world;
  return { ...world, proven: [...world.proven, upstream.url] };
}

type Effects = {
  readonly [Kind in ActionKind]: (world: World, action: Extract<Action, { kind: Kind }>) => World;
};

const withImage = (world: World, { image: ref }: Readonly<{ image: string }>): World =>
  observe(world, { images: { ...world.observed.images, [ref]: image(ref) } });

const effects: Effects = {
  pull: withImage,
  build: withImage,
  "build-gateway": withImage,
  "create-network": (world, { network: { name, internal } }) =>
    observe(world, { networks: [...world.observed.networks, network(name, { internal })] }),
  "create-volume": (world, { volume: { name } }) =>
    observe(world, { volumes: [...world.observed.volumes, volume(name)] }),
  "seed-secrets": (world, { volume: name }) =>
    must(world, volumeNames(world).includes(name), `no volume ${name}`),
  create: (world, { container: request }) => create(world, request),
  connect: (world, action) => change(world, action.container, (it) => connect(world, it, action)),
  start: (world, { container: name }) => start(world, name),
  await: (world, { container: name, target }) => {
    const after = prove(world, target);
    if (name === undefined)
      return must(
        after,
        readinessIn(world) !== undefined || gatewayRuns(world),
        "no gateway to ask",
      );
    must(world, runs(world, name) || target.oneShot, `${name} does not run`);
    must(world, !target.upstream || gatewayRuns(world), `no gateway to probe ${name}`);
    return target.oneShot ? change(world, name, (it) => ({ ...it, state: "exited" })) : after;
  },
  "pull-model": (world, { service = "", model }) => ({
    ...world,
    models: { ...world.models, [service]: [...(world.models[service] ?? []), model] },
  }),
  configure: (world, { config }) =>
    must({ ...world, config }, gatewayRuns(world), "no gateway to configure"),
  "create-key": (world) => must(world, gatewayRuns(world), "no gateway to give a key"),
  "grant-key": (world) => must(world, gatewayRuns(world), "no gateway to give a key"),
  switch: (world, { upstream }) => switchTo(world, upstream),
  drain: (world) => must(world, gatewayRuns(world), "no gateway to drain"),
  update: (world, { container: name, limits, restart }) =>
    change(world, name, (it) => ({
      ...it,
      ...(limits && { limits }),
      ...(restart && { restart }),
    })),
  stop: (world, { container: name }) => change(world, name, (it) => ({ ...it, state: "exited" })),
  remove: (world, { container: name }) =>
    observe(world, { containers: world.observed.containers.filter((it) => it.name !== name) }),
  "remove-network": (world, { networkId }) =>
    observe(world, { networks: world.observed.networks.filter(({ id }) => id !== networkId) }),
  "remove-volume": (world, { volume: name }) =>
    observe(world, { volumes: world.observed.volumes.filter((it) => it.name !== name) }),
};

function create(world: World, request: ContainerRequest): World {
  const { name, identity, mounts, network: joined } = request;
  const volumes = mounts.flatMap((mount) => (mount.kind === "volume" ? [mount.source] : []));
  const id = world.observed.images[request.image]?.id;
  must(world, id !== undefined, `no image ${request.image}`);
  must(world, !world.observed.containers.some((it) => it.name === name), `${name} is taken`);
  for (const source of volumes)
    must(world, volumeNames(world).includes(source), `no volume ${source}`);
  const { ports, limits, gpus, gpuNote } = request;
  const created = container(identity.service, {
    identity,
    image: request.image,
    imageId: id ?? "",
    state: "created",
    startedAt: "",
    restart: { name: "no" },
    limits,
    networks: [{ ...networkRef(world, joined.name), aliases: joined.aliases }],
    volumes,
    ports,
    ...(gpus && { gpus }),
    ...(gpuNote && { gpuNote }),
  });
  return observe(world, { containers: [...world.observed.containers, created] });
}

function start(world: World, name: string): World {
  const starting = world.observed.containers.find((it) => it.name === name);
  for (const other of running(world).filter((it) => it.name !== name)) {
    const taken = starting?.ports.find((port) => other.ports.some((held) => samePort(port, held)));
    const shared = starting && sharedVolume(starting, other);
    must(world, shared === undefined, `${name} and ${other.name} both write to ${shared}`);
    must(world, !taken, `port ${taken?.hostPort} of ${name} is held by ${other.name}`);
  }
  return change(world, name, (it) => ({
    ...it,
    state: "running",
    startedAt: "2026-01-01T00:00:00Z",
  }));
}

/** Secrets are mounted read-only, everything else in these tests is written to; several services write only to what is called a cache or shared. */
function sharedVolume(a: ObservedContainer, b: ObservedContainer): string | undefined {
  return a.volumes.find(
    (name) => b.volumes.includes(name) && !/-secrets$|_cache$|_shared$/.test(name),
  );
}

function connect(
  world: World,
  it: ObservedContainer,
  action: Extract<Action, { kind: "connect" }>,
): ObservedContainer {
  const attached = it.networks.some(({ name }) => name === action.network);
  must(
    world,
    attached === action.reconnect,
    `${it.name} is ${attached ? "" : "not "}in ${action.network}`,
  );
  const others = it.networks.filter(({ name }) => name !== action.network);
  return {
    ...it,
    networks: [...others, { ...networkRef(world, action.network), aliases: action.aliases }],
  };
}

function switchTo(world: World, upstream: Upstream): World {
  const { config } = world;
  if (!config) throw new Error("nothing to switch");
  const upstreams = config.upstreams.map((it) => (it.id === upstream.id ? upstream : it));
  return { ...world, config: { ...config, upstreams } };
}

function change(
  world: World,
  name: string,
  to: (it: ObservedContainer) => ObservedContainer,
): World {
  must(
    world,
    world.observed.containers.some((it) => it.name === name),
    `no container ${name}`,
  );
  return observe(world, {
    containers: world.observed.containers.map((it) => (it.name === name ? to(it) : it)),
  });
}

function networkRef(world: World, name: string): Readonly<{ id: string; name: string }> {
  const found = world.observed.networks.find((it) => it.name === name);
  if (!found) throw new Error(`no network ${name}`);
  return { id: found.id, name };
}

/** The containers that run. */
export function running({ observed }: World): readonly ObservedContainer[] {
  return observed.containers.filter(({ state }) => state === "running");
}

function runs(world: World, name: string): boolean {
  return running(world).some((it) => it.name === name);
}

function gatewayRuns(world: World): boolean {
  return running(world).some(({ identity }) => identity?.role === "gateway");
}

function volumeNames({ observed }: World): readonly string[] {
  return observed.volumes.map(({ name }) => name);
}

function observe(world: World, parts: Partial<Observed>): World {
  return { ...world, observed: { ...world.observed, ...parts } };
}

function must(world: World, condition: boolean, otherwise: string): World {
  if (!condition) throw new Error(otherwise);
  return world;
}
