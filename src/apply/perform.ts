/** One engine call (or one word with the gateway) per kind of action. No decisions. */
import { mintKey } from "../gateway/protocol.ts";
import type { Action, ActionKind } from "../plan/plan.ts";
import { awaitService } from "../readiness/await-service.ts";
import { isGpuMissing } from "../readiness/gpu-truth.ts";
import { pullModel } from "../readiness/models.ts";
import { readCertified } from "./certificate-files.ts";
import { IntentMismatchError, NotReadyError } from "./errors.ts";
import { ensureGatewayImage } from "./gateway-image.ts";
import { saveKey } from "./key-files.ts";
import { ensureNodeBase } from "./node-base.ts";
import { seedSecrets } from "./secrets.ts";
import { grantKey } from "./service-keys.ts";
import { Speed } from "./speed.ts";
import { differences } from "./verify.ts";
import { missingGpus } from "./verify-gpu.ts";
import { readGpuTruth, warmUp } from "./verify-gpu-use.ts";
import type { Tell, World } from "./world.ts";

type Performer<Kind extends ActionKind> = (
  action: Extract<Action, { kind: Kind }>,
  world: World,
  how: Manner,
) => Promise<void>;

/** Whom to tell how far it is, and when to give up what only waits. */
type Manner = Readonly<{ tell: Tell; signal: AbortSignal }>;

const gatewayName = "gateway";

/** Carries out one action; rejects with the failure that stopped it. */
export function perform(action: Action, world: World, how: Manner): Promise<void> {
  const performer = performers[action.kind] as Performer<ActionKind>;
  return performer(action, world, how);
}

const performers: { readonly [Kind in ActionKind]: Performer<Kind> } = {
  pull: async ({ image }, { context }, { tell, signal }) => {
    const speed = new Speed();
    for await (const pull of context.engine.images.pull(image, signal)) {
      tell({ kind: "pull", pull, bytesPerSecond: speed.at(pull.downloadedBytes) });
    }
  },

  build: async ({ image, build }, world, { tell }) => {
    const { engine, gatewayImage } = world.context;
    const onLine = (line: string) => tell({ kind: "build", line });
    await world.once(() => ensureNodeBase(engine, gatewayImage.base, onLine));
    const source = { ...build, args: { NEXUS_NODE_BASE: gatewayImage.base.ref, ...build.args } };
    for await (const { line } of engine.images.build({ ref: image, source, labels: {} }))
      onLine(line);
  },

  "build-gateway": async (_, world, { tell }) => {
    const { engine, gatewayImage } = world.context;
    const onLine = (line: string) => tell({ kind: "build", line });
    await world.once(() => ensureNodeBase(engine, gatewayImage.base, onLine));
    await ensureGatewayImage(engine, gatewayImage, onLine);
  },

  "create-network": async ({ network }, world) => {
    world.rememberNetwork(network.name, await world.context.engine.networks.create(network));
  },

  "create-volume": async ({ volume }, { context }) => {
    await context.engine.volumes.create(volume);
  },

  "seed-secrets": (action, { context }) => seedSecrets(action, context.engine),

  create: async ({ container }, world) => {
    const networkId = world.network(container.network.name);
    world.rememberContainer(
      container.name,
      await world.context.engine.containers.create(container, networkId),
    );
  },

  connect: async ({ container, network, aliases, reconnect }, world) => {
    const { networks } = world.context.engine;
    const [networkId, id] = [world.network(network), world.container(container)];
    if (reconnect) await networks.disconnect(networkId, id);
    await networks.connect(networkId, id, aliases);
  },

  start: async ({ container }, world) => {
    const id = world.container(container);
    await world.context.engine.containers.start(id);
    await verifyIntent(container, id, world);
  },

  await: async (action, world, { tell, signal }) => {
    const { engine, feed } = world.context;
    const service = action.service ?? "";
    if (service === gatewayName) await meetGateway(action.container ?? "", world, signal);
    const verdict = await awaitService({
      engine,
      feed,
      signal,
      target: action.target,
      link: () => world.link(),
      containerId: action.container === undefined ? undefined : world.container(action.container),
      onProgress: ({ detail, waitedMs }) => tell({ kind: "await", detail, waitedMs }),
    });
    if (!verdict.reached) throw new NotReadyError(service, verdict.cause);
    await proveGpuUse(action, world, signal);
  },

  "pull-model": async (action, world, { tell, signal }) => {
    const { store: kind, model, onEngineDisk, ...pull } = action;
    await pullModel({
      ...pull,
      kind,
      model,
      link: await world.link(),
      signal,
      onProgress: (progress) => tell({ kind: "model", model, ...progress }),
      ...(onEngineDisk && { disk: world.disk }),
    });
  },

  configure: async ({ config, certified }, world) => {
    await world.configure(config, certified && (await readCertified(certified)));
  },

  "create-key": async ({ name, folder }, world) => {
    const link = await world.link();
    const known = await link.call({ op: "keys.list" });
    if (known.length > 0) return;
    const { key, record } = mintKey({ name, scopes: ["inference", "admin"] }, new Date());
    // Saved first: a key that the gateway knows and nobody has could never be used.
    await saveKey(folder, name, key);
    await link.call({ op: "keys.add", key: record });
  },

  "grant-key": async ({ name, folder }, world) => {
    const fresh = world.context.freshKeys?.get(name);
    await grantKey(await world.link(), { name, folder, fresh });
  },

  switch: ({ upstream }, world) => world.switchTo(upstream),

  drain: async ({ url }, world, { tell, signal }) => {
    const link = await world.link();
    const onProgress = (progress: unknown) =>
      tell({ kind: "drain", inFlight: inFlightOf(progress) });
    await link.call({ op: "drain", url }, { onProgress, signal });
  },

  update: async ({ container, limits, restart }, world) => {
    await world.context.engine.containers.update(world.container(container), {
      ...(limits === undefined ? {} : { limits }),
      ...(restart === undefined ? {} : { restart }),
    });
  },

  stop: ({ container, graceMs }, world) =>
    world.context.engine.containers.stop(world.container(container), graceMs),

  remove: ({ container }, world) =>
    world.context.engine.containers.remove(world.container(container)),

  "remove-network": async ({ networkId }, { context }) => {
    await context.engine.networks.remove(networkId);
  },

  "remove-volume": ({ volume }, { context }) => context.engine.volumes.remove(volume),
};

/** The gateway is there when its control channel answers: nothing else proves it on an engine far away. */
async function meetGateway(container: string, world: World, signal: AbortSignal): Promise<void> {
  world.turnTo(container);
  try {
    await (await world.link()).call({ op: "hello" }, { signal });
  } catch (error) {
    const seen = await world.context.engine.containers.inspect(world.container(container));
    if (seen?.state !== "exited") throw error;
    throw new NotReadyError(gatewayName, { kind: "crashed", exitCode: seen.exitCode });
  }
}

/** A level from `ready` on means that it computes where it was meant to. */
async function proveGpuUse(
  { container = "", service = "", target }: Extract<Action, { kind: "await" }>,
  world: World,
  signal: AbortSignal,
): Promise<void> {
  const { gpuCheck: check, level, upstream, stallTimeoutMs } = target;
  if (check === undefined || level === "running" || level === "reachable") return;
  const { engine } = world.context;
  const seen = await engine.containers.inspect(world.container(container));
  if (seen?.gpus === undefined) return;
  const { id: containerId, gpus, startedAt } = seen;
  const use = { engine, containerId, gpus, startedAt, check, upstream, link: () => world.link() };
  await warmUp(use, { stallTimeoutMs, signal }).catch((error: unknown) => {
    if (signal.aborted) throw error;
  });
  const truth = await readGpuTruth(use);
  if (truth.kind === "partial")
    world.warn(`${service} computes on its GPU in part (${truth.percent} %): ${truth.detail}`);
  if (!isGpuMissing(truth)) return;
  const lost = truth.kind === "lost";
  throw new NotReadyError(service, { kind: "gpu-unused", detail: truth.detail, lost });
}

async function verifyIntent(name: string, id: string, world: World): Promise<void> {
  const { engine } = world.context;
  const request = world.requests.get(name);
  if (!request) return;
  const observed = await engine.containers.inspect(id);
  const found = observed ? differences(request, observed) : [];
  if (found.length > 0) throw new IntentMismatchError(name, found);
  const detail = await missingGpus(engine, id, request.gpus);
  if (detail !== undefined)
    throw new NotReadyError(request.identity.service, { kind: "gpu-missing", detail });
}

function inFlightOf(progress: unknown): number {
  const count = (progress as { in_flight?: unknown } | null)?.in_flight;
  return typeof count === "number" ? count : 0;
}
