/** Which models the stack must have, and how they get there. Pure. */
import type { FoundModelStore } from "../inventory.ts";
import type { Choices, Decision, MigrationPlan } from "../migration-plan.ts";
import type { Found } from "../reading.ts";
import { backendService } from "./backends.ts";
import { isModelName, isOffered, isSameModel, offered } from "./model-names.ts";
import type { Placed } from "./placed.ts";
import { hostNamed, type Scene, type Told } from "./scene.ts";

/** What services are written with so that their models are there. */
export type ModelsPart = Readonly<{
  models: MigrationPlan["models"];
  /** By name of the service in the stack. */
  keys: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Stores that are copied, each with its service. */
  copies: readonly Readonly<{ store: FoundModelStore; service: string }>[];
}> &
  Told;

type Model = Readonly<{
  name: string;
  bytes?: number;
  how: MigrationPlan["models"][number]["how"];
}>;
type Plan = Readonly<{
  service: string;
  models: readonly Model[];
  store?: FoundModelStore;
  way: Choices["models"];
}>;

/** Works it out; `wanted` are the models that names of the gateway lead to, by service. */
export function planModels(
  placed: readonly Placed[],
  wanted: ReadonlyMap<string, readonly string[]>,
  scene: Scene,
): ModelsPart {
  const plans = placed.flatMap((each) => planFor(each, wanted, { placed, scene }) ?? []);
  const copied = plans.flatMap(({ service, store, way }) =>
    store && way === "copy" ? [{ store, service }] : [],
  );
  return {
    models: plans.flatMap(({ service, models }) =>
      models.map(({ name, bytes, how }) => ({
        service,
        model: name,
        ...(bytes !== undefined && { bytes }),
        how,
      })),
    ),
    keys: new Map(plans.map((plan) => [plan.service, keysOf(plan)])),
    copies: copied,
    ...toldOf(plans, placed, scene),
  };
}

function planFor(
  each: Placed,
  wanted: ReadonlyMap<string, readonly string[]>,
  { placed, scene }: Readonly<{ placed: readonly Placed[]; scene: Scene }>,
): Plan | undefined {
  const { name, becomes } = each.planned;
  if (name === undefined || !each.found) return undefined;
  const memory = memoryModel(each, placed, scene);
  const asked = [...(wanted.get(name) ?? []), ...memory];
  if (becomes === "external") return namedOnly({ service: name, names: asked, how: "stays" });
  const store = storeOf(each, scene);
  if (!store || store.models.length === 0)
    return namedOnly({
      service: name,
      names: [...ownModels(each, scene), ...asked].slice(0, mostModels(each, scene)),
      how: "pull",
    });
  const missing = memory.filter((model) => !isOffered(store, model, scene.choices));
  const way = missing.length === 0 ? wayOf(store, scene) : withoutSharing(scene.choices.models);
  const stored = offered(store, scene.choices)
    .filter((model) => isModelName(model.name))
    .map((model): Model => ({
      name: model.name,
      bytes: model.bytes,
      how: way,
    }));
  const fetched = missing.map((model): Model => ({ name: model, how: "pull" }));
  return { service: name, models: [...stored, ...fetched], way, store };
}

function namedOnly({
  service,
  names,
  how,
}: Readonly<{ service: string; names: readonly string[]; how: Model["how"] }>): Plan | undefined {
  const models = [...new Set(names)].filter(isModelName).map((name): Model => ({ name, how }));
  return models.length === 0 ? undefined : { service, models, way: "pull" };
}

/** The models of its old settings, where its template's software knows them by the same names. */
function ownModels({ found, planned }: Placed, scene: Scene): readonly string[] {
  const template = scene.catalog.find(({ id }) => id === planned.template);
  const same = template?.id === "ollama" || template?.models_as !== undefined;
  return same ? (found?.models ?? []) : [];
}

/** Some software serves one model, and no more. */
function mostModels({ planned }: Placed, { catalog }: Scene): number | undefined {
  return catalog.find(({ id }) => id === planned.template)?.models_as?.most;
}

function withoutSharing(models: Choices["models"]): Choices["models"] {
  return models === "share" ? "copy" : models;
}

/** The model that made the embeddings of the memory: without it no row can be found again. */
function memoryModel(each: Placed, placed: readonly Placed[], scene: Scene): readonly string[] {
  const embeddings = scene.inventory.routing.embeddings?.value;
  if (!embeddings || backendService(embeddings.backend, placed, scene) !== each) return [];
  return [embeddings.model];
}

/** The old store of models of a service, where it is one that is known by name and content. */
export function storeOf({ found, planned }: Placed, scene: Scene): FoundModelStore | undefined {
  const other = planned.becomes === "container" && planned.template !== "ollama";
  if (other || planned.becomes === "left-out") return undefined;
  return scene.inventory.models.find(
    ({ service, host, format }) =>
      format === "ollama" && service === found?.name && host === found.host,
  );
}

/** Sharing needs the folder on the engine's own machine, and a store that nothing has to be added to. */
function wayOf(store: FoundModelStore, scene: Scene): Choices["models"] {
  const { models } = scene.choices;
  return canShare(store, scene) ? models : withoutSharing(models);
}

function canShare(store: FoundModelStore, scene: Scene): boolean {
  const { engine } = scene.target;
  const live = hostNamed(store.host, scene)?.live === true;
  return live && engine?.local !== false;
}

function keysOf({ models, store, way }: Plan): Readonly<Record<string, unknown>> {
  return {
    models: models.map(({ name }) => name),
    ...(store && way === "share" && sharedKeys(store)),
  };
}

/** Nothing of the old store is changed: it is read only, and Ollama is kept from tidying it up. */
function sharedKeys({ path }: FoundModelStore): Readonly<Record<string, unknown>> {
  return {
    volumes: [{ type: "bind", source: path, target: "/root/.ollama/models", read_only: true }],
    environment: { OLLAMA_NOPRUNE: "1" },
    cap_add: ["DAC_OVERRIDE"],
  };
}

function toldOf(plans: readonly Plan[], placed: readonly Placed[], scene: Scene): Told {
  const instead = plans.filter(({ store, way }) => store && way !== scene.choices.models);
  return {
    decisions: [
      ...instead.map(({ service }) => sharingDecision(service)),
      ...plans.flatMap(brokenDecision),
    ],
    warnings: lostMemory(plans, placed, scene),
  };
}

function sharingDecision(service: string): Decision {
  return {
    id: "models",
    question: `How shall ${service} get its models? Its old folder cannot be shared: it is on another machine than the engine, or lacks a model that has to be fetched.`,
    assumed: "they are copied",
    otherwise: "`--models pull` fetches them again",
  };
}

/** Models of which the old store has only a part: fetching them can take days, so somebody has to want it. */
function brokenDecision({ store, service, models }: Plan): readonly Decision[] {
  if (!store) return [];
  const planned = (name: string): boolean => models.some((each) => isSameModel(each.name, name));
  return store.models
    .filter(({ name, complete }) => !complete && !planned(name))
    .map(({ name, bytes }) => ({
      id: `model-${name}`,
      question: `Shall ${service} fetch ${name}? Parts of it are missing at ${store.host}, so it did not work there either.`,
      assumed: "it is left out, and with it the names that lead to it",
      otherwise: `\`--models pull\` fetches all models anew${bytes > 0 ? "" : ", however large this one is"}; or finish it there with \`ollama pull ${name}\` and run this again`,
      at: { host: store.host, file: store.path },
    }));
}

function lostMemory(
  plans: readonly Plan[],
  placed: readonly Placed[],
  scene: Scene,
): readonly Found<string>[] {
  const embeddings = scene.inventory.routing.embeddings;
  const memory = scene.inventory.databases.some(({ embeddings: dims }) => dims !== undefined);
  if (!embeddings || !memory) return [];
  const service = backendService(embeddings.value.backend, placed, scene)?.planned.name;
  const kept = plans.some(
    (plan) =>
      plan.service === service &&
      plan.models.some(({ name }) => isSameModel(name, embeddings.value.model)),
  );
  if (kept) return [];
  return [
    {
      value: `The memory was made with ${embeddings.value.model}, and no service of the stack declares it: its rows can only be found by that model.`,
      at: embeddings.at,
    },
  ];
}
