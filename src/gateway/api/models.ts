/** GET /v1/models: every model that can be used right now, over all services. */
import type { App } from "../app.ts";
import type { KeyRecord } from "../protocol.ts";
import { maySee } from "../routing/route.ts";
import { sameModel, type Model } from "../upstreams/model-list.ts";
import type { Monitor } from "../upstreams/monitor.ts";

/** One entry of GET /v1/models. */
export type ListedModel = Readonly<Record<string, unknown> & { id: string }>;

type Found = Readonly<{ monitor: Monitor; model: Model }>;

/** The models that can be used right now with a key, each under the name to use it by. */
export function listModels(app: App, key: KeyRecord): readonly ListedModel[] {
  const listed = new Map<string, ListedModel>();
  for (const monitor of readyMonitors(app)) {
    const { upstream, sighting } = monitor;
    const visible = sighting.models.filter(({ id }) => maySee(key, upstream.id, id));
    for (const model of visible) {
      const id = listed.has(model.id) ? `${upstream.id}/${model.id}` : model.id;
      listed.set(id, describe(id, { monitor, model }));
    }
  }
  const aliases = app.registry.snapshot.config?.aliases ?? {};
  for (const [alias, targets] of Object.entries(aliases)) {
    if (listed.has(alias)) continue;
    const usable = targets.flatMap((target) => describeAlias(app, key, alias, target));
    if (usable[0]) listed.set(alias, usable[0]);
  }
  return [...listed.values()];
}

function readyMonitors(app: App): Monitor[] {
  return [...app.registry.snapshot.monitors.values()].filter(({ ready }) => ready);
}

/** One model by any name that a request may use. */
export function findModel(app: App, key: KeyRecord, name: string): ListedModel | undefined {
  const listed = listModels(app, key).find(({ id }) => id === name);
  if (listed) return listed;
  const found = findTarget(app, name);
  if (!found || !maySee(key, found.monitor.upstream.id, found.model.id)) return undefined;
  return describe(name, found);
}

/** The ready service that has a model, by the model's name alone or behind the service's. */
function findTarget(app: App, name: string): Found | undefined {
  for (const monitor of readyMonitors(app)) {
    const { id: service, probe } = monitor.upstream;
    const own = name.startsWith(`${service}/`) ? name.slice(service.length + 1) : undefined;
    const model = monitor.sighting.models.find(({ id }) =>
      [name, own].some((asked) => asked !== undefined && sameModel(id, asked, probe.models)),
    );
    if (model) return { monitor, model };
  }
  return undefined;
}

function describe(id: string, found: Found): ListedModel {
  const { details } = found.model;
  const owner = found.monitor.upstream.id;
  return { created: 0, ...details, id, object: "model", owned_by: owner, ...factsOf(found) };
}

/** What the gateway adds: who serves it, what it can do, and how many tokens fit, where that is known. */
function factsOf({ monitor, model }: Found) {
  const facts = monitor.facts.factsOf(model, monitor.sighting.metadata);
  return {
    service: monitor.upstream.id,
    capabilities: facts.capabilities,
    ...(facts.contextLength !== undefined && { context_length: facts.contextLength }),
  };
}

/** An alias that leads to a model that the key may use, by its name here or there; else nothing. */
function describeAlias(app: App, key: KeyRecord, alias: string, target: string): ListedModel[] {
  const found = findTarget(app, target);
  if (!found) return [];
  const isNamed = key.models?.includes(target) ?? false;
  if (!isNamed && !maySee(key, found.monitor.upstream.id, found.model.id)) return [];
  const own = { id: alias, object: "model", created: 0, owned_by: "alias", alias_of: target };
  return [{ ...own, ...factsOf(found) }];
}
