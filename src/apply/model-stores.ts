/** The models of a running stack: in which service they are, and which of them the stack file asks for. */
import type { Engine, ObservedContainer } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import type { Upstream } from "../gateway/config.ts";
import type { StackReadiness } from "../gateway/protocol.ts";
import { externalUpstream, upstreamOf } from "../plan/gateway-config.ts";
import type { GatewayLink } from "../readiness/gateway-link.ts";
import { isSameModel, listModels } from "../readiness/models.ts";
import type { ContainerService, Service, Stack, StoreKind } from "../stack/stack.ts";
import {
  isSpare,
  ModelInUseError,
  type ModelUses,
  namedVolumeOf,
  namingOf,
  sharedVolumeOf,
  usesOf,
} from "./model-uses.ts";
import { generationsOf, runningContainer, UnknownServiceError } from "./selection.ts";

/** A model of a service. */
export type ServiceModel = Readonly<{
  service: string;
  model: string;
  /** The stack file asks for it. */
  declared: boolean;
  /** Null where the software has no list of its models: it is told of them at its start. */
  present: boolean | null;
  /** Known only of model stores. */
  sizeBytes?: number;
  /** ISO 8601; known only of model stores. */
  modifiedAt?: string;
  /** Aliases of the gateway that lead to it. */
  aliases: readonly string[];
  /** The volume it lies in, where other services or stacks use that, too. */
  sharedVolume?: string;
  /** Further services of the stack that have it in that volume. */
  alsoIn?: readonly string[];
}>;

/** Models are pulled into and removed from services that keep them, and it is not clear which one is meant. */
export class NoModelStoreError extends NexusError {
  readonly code = "NEXUS_NO_MODEL_STORE";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<{ stores: readonly string[] }>;

  constructor(stores: readonly string[], asked: string | undefined) {
    super(
      asked === undefined
        ? `The stack has ${stores.length === 0 ? "no service" : "several services"} that keeps models.`
        : `${asked} does not keep models: its software gets them by itself.`,
    );
    this.remedy =
      stores.length === 0
        ? "Add one, for instance with `nexus add service ollama`."
        : `Name one with \`--service\`: ${stores.join(", ")}.`;
    this.details = { stores };
  }
}

/** A service that keeps models, what it speaks, and where it is reached now. */
export type Store = Readonly<{ service: ContainerService; kind: StoreKind; upstream: Upstream }>;

/** The store that is meant: the one named, or the only one. Throws NoModelStoreError, UnknownServiceError. */
export async function findStore(engine: Engine, stack: Stack, asked?: string): Promise<Store> {
  const stores = stack.services.filter((service) => storeKindOf(service) !== undefined);
  const names = stores.map(({ name }) => name);
  const all = stack.services.map(({ name }) => name);
  if (asked !== undefined && !all.includes(asked)) throw new UnknownServiceError(asked, all);
  const matching = stores.filter(({ name }) => asked === undefined || name === asked);
  const [service] = matching;
  const kind = service && storeKindOf(service);
  if (service?.kind !== "container" || kind === undefined || matching.length > 1)
    throw new NoModelStoreError(names, asked);
  const { containers } = await engine.observe(stack.name, []);
  const upstream = upstreamOf(service, runningContainer(containers, service.name).name);
  if (upstream === undefined) throw new NoModelStoreError(names, asked);
  return { service, kind, upstream };
}

/** What a service that keeps models speaks; undefined for one that does not. */
function storeKindOf(service: Service): StoreKind | undefined {
  if (service.kind === "external" || service.modelPull === "none") return undefined;
  return service.modelPull;
}

/** Every model of the stack, present or only asked for, by service in file order. */
export async function listStackModels(
  sources: Readonly<{ engine: Engine; link: GatewayLink; stack: Stack }>,
  only?: string,
): Promise<readonly ServiceModel[]> {
  const { engine, link, stack } = sources;
  const [{ containers }, readiness] = await Promise.all([
    engine.observe(stack.name, []),
    link.call({ op: "status" }),
  ]);
  const services = stack.services.filter(({ name }) => only === undefined || name === only);
  if (services.length === 0 && only !== undefined) {
    throw new UnknownServiceError(
      only,
      stack.services.map(({ name }) => name),
    );
  }
  const lists = await Promise.all(
    services.map(async (service) =>
      modelsOf(stack, service, await stored({ link, readiness, containers }, service)),
    ),
  );
  return oncePerVolume(lists.flat());
}

type Present = Readonly<{ name: string; sizeBytes?: number; modifiedAt?: string }>;

/** What the service has: asked of its store, else as the gateway's probe saw it. */
async function stored(
  view: Readonly<{
    link: GatewayLink;
    readiness: StackReadiness;
    containers: readonly ObservedContainer[];
  }>,
  service: Service,
): Promise<readonly Present[]> {
  const upstream = upstreamNow(view.containers, service);
  if (upstream === undefined) return [];
  const kind = storeKindOf(service);
  if (kind !== undefined) return listModels({ kind, link: view.link, upstream });
  const report = view.readiness.services.find(({ id }) => id === service.name);
  return (report?.present_models ?? []).map((name) => ({ name }));
}

function upstreamNow(
  containers: readonly ObservedContainer[],
  service: Service,
): Upstream | undefined {
  if (service.kind === "external") return externalUpstream(service);
  const container = generationsOf(containers, service.name).find(
    ({ state }) => state === "running",
  );
  return container && upstreamOf(service, container.name);
}

/** What is there and what is asked for, each model once. Pure. */
export function modelsOf(
  stack: Stack,
  service: Service,
  present: readonly Present[],
): readonly ServiceModel[] {
  const isSame = (one: string, other: string) => isSameModel(one, other, namingOf(service));
  const sharedVolume = sharedVolumeOf(stack, service);
  const described = (model: string) => {
    const { services, aliases } = usesOf(stack, service, model);
    return { service: service.name, model, declared: services.length > 0, aliases };
  };
  const there = present.map(({ name, ...facts }) => ({
    ...described(name),
    present: true,
    ...facts,
    ...(sharedVolume !== undefined && { sharedVolume }),
  }));
  const missing = service.models.filter(
    (model) => !present.some(({ name }) => isSame(name, model)),
  );
  const absent = tellsModels(service) ? false : null;
  return [...there, ...missing.map((model) => ({ ...described(model), present: absent }))];
}

function tellsModels(service: Service): boolean {
  return storeKindOf(service) !== undefined || (service.probe?.models ?? "none") !== "none";
}

/** A model that several services have in one volume is one model. Pure. */
export function oncePerVolume(models: readonly ServiceModel[]): readonly ServiceModel[] {
  const groups = Map.groupBy(models, ({ service, model, sharedVolume }) =>
    JSON.stringify(sharedVolume === undefined ? [service, model] : [{ sharedVolume }, model]),
  );
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const alsoIn = others.map(({ service }) => service);
    return [others.length === 0 ? first : { ...first, alsoIn }];
  });
}

/** A model that may be removed, and who will miss it. */
export type Removal = Readonly<{
  service: string;
  model: string;
  sizeBytes?: number;
  uses: ModelUses;
  /** The volume that it lies in, where other stacks may use that, too: what they ask for is not known here. */
  sharedVolume?: string;
}>;

/** What removing a model means. Throws ModelInUseError, unless it is forced, and ModelStoreError. */
export async function findRemoval(
  sources: Readonly<{ link: GatewayLink; stack: Stack; store: Store }>,
  wanted: Readonly<{ model: string; force: boolean }>,
): Promise<Removal> {
  const { link, stack, store } = sources;
  const { model, force } = wanted;
  const service = store.service.name;
  const uses = usesOf(stack, store.service, model);
  if (!force && !isSpare(uses)) throw new ModelInUseError(service, model, uses);
  const models = await listModels({ ...store, link });
  const found = models.find(({ name }) => isSameModel(name, model, store.kind));
  const size = found?.sizeBytes;
  const sharedVolume = namedVolumeOf(stack, store.service);
  return {
    service,
    model,
    ...(size !== undefined && { sizeBytes: size }),
    uses,
    ...(sharedVolume !== undefined && { sharedVolume }),
  };
}
