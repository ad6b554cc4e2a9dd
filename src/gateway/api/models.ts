/** GET /v1/models: every model that can be used right now, over all services. */
import type { App } from "../app.ts";
import type { KeyRecord } from "../protocol.ts";
import { maySee } from "../routing/route.ts";
import type { Monitor } from "../upstreams/monitor.ts";

/** One entry of GET /v1/models. */
export type ListedModel = Readonly<Record<string, unknown> & { id: string }>;

/** The models that can be used right now with a key, each under the name to use it by. */
export function listModels(app: App, key: KeyRecord): readonly ListedModel[] {
  const listed = new Map<string, ListedModel>();
  for (const { upstream, sighting } of readyMonitors(app)) {
    const visible = sighting.models.filter(({ id }) => maySee(key, upstream.id, id));
    for (const model of visible) {
      const id = listed.has(model.id) ? `${upstream.id}/${model.id}` : model.id;
      listed.set(id, describe(id, upstream.id, model.details));
    }
  }
  const aliases = app.registry.snapshot.config?.aliases ?? {};
  for (const [alias, targets] of Object.entries(aliases)) {
    const target = targets.find((name) => isUsable(app, key, name));
    if (target !== undefined && !listed.has(alias)) listed.set(alias, describeAlias(alias, target));
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
  const slash = name.indexOf("/");
  const monitor = app.registry.snapshot.monitors.get(name.slice(0, slash));
  const model = monitor?.sighting.models.find(({ id }) => id === name.slice(slash + 1));
  if (!monitor?.ready || !model || !maySee(key, monitor.upstream.id, model.id)) return undefined;
  return describe(name, monitor.upstream.id, model.details);
}

function describe(id: string, service: string, details: Readonly<Record<string, unknown>>) {
  return { created: 0, ...details, id, object: "model", owned_by: service };
}

function describeAlias(alias: string, target: string): ListedModel {
  return { id: alias, object: "model", created: 0, owned_by: "alias", alias_of: target };
}

function isUsable(app: App, key: KeyRecord, name: string): boolean {
  for (const { upstream, sighting } of readyMonitors(app)) {
    const hit = sighting.models.some(({ id }) => id === name || `${upstream.id}/${id}` === name);
    if (hit)
      return !key.models || key.models.includes(name) || maySeeTarget(key, upstream.id, name);
  }
  return false;
}

function maySeeTarget(key: KeyRecord, service: string, name: string): boolean {
  const model = name.startsWith(`${service}/`) ? name.slice(service.length + 1) : name;
  return maySee(key, service, model);
}
