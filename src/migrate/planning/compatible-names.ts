/** Names that the old gateway took without an alias: `ollama:<model>`, `ollama`, `auto`, and the empty name's `default`. Pure. */
import type { Placed } from "./placed.ts";
import { isAliasName, type PlannedAlias, servicesIn } from "./planned-alias.ts";
import { backendService } from "./backends.ts";
import { isModelName, isOffered, offered } from "./model-names.ts";
import { storeOf } from "./plan-models.ts";
import type { Scene } from "./scene.ts";

/** The names that none of the aliases has already. */
export function compatibleNames(
  own: readonly PlannedAlias[],
  placed: readonly Placed[],
  scene: Scene,
): readonly PlannedAlias[] {
  const backends = backendsOf(scene).flatMap((backend) => {
    const target = backendService(backend, placed, scene);
    return target?.planned.name === undefined ? [] : [{ backend, target }];
  });
  const made = backends.flatMap(({ backend, target }) => namesOf(backend, target, { own, scene }));
  const first = defaultOf(own, made, scene);
  const all = [
    ...made,
    ...(first ? [renamed(first, "default"), automatic(own, first, scene)] : []),
  ];
  const services = servicesIn(placed);
  const taken = new Set(own.map(({ name }) => name));
  return all.filter(({ name }) => {
    const free = !taken.has(name) && isAliasName(name, services);
    taken.add(name);
    return free;
  });
}

/** Every backend that a setting or an alias names, each once. */
function backendsOf({ inventory: { aliases, routing } }: Scene): readonly string[] {
  const ofModels = Object.keys(routing.models).map((key) => key.split(".")[0] ?? "");
  const { defaultBackend } = routing;
  return [
    ...new Set([
      ...(defaultBackend ? [defaultBackend.value] : []),
      ...ofModels,
      ...aliases.map(({ backend }) => backend),
    ]),
  ].filter((backend) => backend !== "");
}

/** `<backend>:<model>` for each of its models, and the backend alone for the one that it took without a name. */
function namesOf(
  backend: string,
  target: Placed,
  { own, scene }: Readonly<{ own: readonly PlannedAlias[]; scene: Scene }>,
): readonly PlannedAlias[] {
  const service = target.planned.name ?? "";
  const asked = own.filter((alias) => alias.service === service);
  const models = modelsOf(target, asked, scene);
  const usual = usualModel(backend, target, { asked, scene }) ?? models[0];
  return [
    ...(usual === undefined ? [] : [{ name: backend, service, model: usual, more: {} }]),
    ...models.map((model) => ({ name: `${backend}:${model}`, service, model, more: {} })),
  ];
}

function modelsOf(target: Placed, asked: readonly PlannedAlias[], scene: Scene): readonly string[] {
  const store = storeOf(target, scene);
  const stored = store ? offered(store, scene.choices).map(({ name }) => name) : [];
  const known = [...(target.found?.models ?? []), ...asked.map(({ model }) => model)];
  return [...new Set(store && store.models.length > 0 ? stored : known)].filter(isModelName);
}

/** What the backend took for requests that named only it, as far as its service has that. */
function usualModel(
  backend: string,
  target: Placed,
  { asked, scene }: Readonly<{ asked: readonly PlannedAlias[]; scene: Scene }>,
): string | undefined {
  const { models } = scene.inventory.routing;
  const store = storeOf(target, scene);
  const candidates = [
    models[`${backend}.default`]?.value,
    models[`${backend}.strong`]?.value,
    asked.find(({ name }) => name === "default")?.model,
  ];
  return candidates.find(
    (model) =>
      model !== undefined &&
      isModelName(model) &&
      (!store || store.models.length === 0 || isOffered(store, model, scene.choices)),
  );
}

/** What a request without a name got: the alias `default`, else the default backend's model. */
function defaultOf(
  own: readonly PlannedAlias[],
  made: readonly PlannedAlias[],
  { inventory: { routing } }: Scene,
): PlannedAlias | undefined {
  const named = own.find(({ name }) => name === "default");
  return named ?? made.find(({ name }) => name === routing.defaultBackend?.value);
}

/** `auto`: requests with tools went to `default`, long ones to `long`, and all others to `fast`. */
function automatic(
  own: readonly PlannedAlias[],
  first: PlannedAlias,
  { inventory: { routing } }: Scene,
): PlannedAlias {
  if (routing.policy?.value === false) return renamed(first, "auto");
  const fast = own.find(({ name }) => name === "fast");
  const long = own.find(({ name }) => name === "long");
  const size = sizeOf(routing.longContextChars?.value);
  const when = [
    ...(fast ? [{ tools: true, to: "default" }] : []),
    ...(long ? [{ min_bytes: size, to: "long" }] : []),
  ];
  const { service, model } = fast ?? first;
  return { name: "auto", service, model, more: when.length > 0 ? { when } : {} };
}

/** Characters from which on a request was long: 40,000 where no setting said so. */
function sizeOf(characters = 40_000): number {
  return Number.isSafeInteger(characters) && characters >= 0 ? characters : 40_000;
}

function renamed(alias: PlannedAlias, name: string): PlannedAlias {
  const { service, model, more } = alias;
  return { name, service, model, more };
}
