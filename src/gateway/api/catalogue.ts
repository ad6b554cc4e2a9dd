/** What the gateway tells of itself and of the services behind it. */
import { hostname } from "node:os";
import type { App } from "../app.ts";
import { endpoints, endpointsFor, endpointsOver } from "./endpoints.ts";
import { capabilities, synthesiseMetadata, type Metadata } from "../upstreams/metadata.ts";
import type { Monitor } from "../upstreams/monitor.ts";
import type { KeyRecord, StackReadiness } from "../protocol.ts";
import { maySee } from "../routing/route.ts";

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

/** The registry: every service, its state and its metadata. */
export function listServices(app: App): readonly unknown[] {
  return [...app.registry.snapshot.monitors.values()].map((monitor) => ({
    id: monitor.upstream.id,
    object: "service",
    provides: monitor.upstream.provides,
    state: monitor.sighting.report.state,
    detail: monitor.sighting.report.detail,
    external: monitor.upstream.external,
    models: monitor.sighting.models.map(({ id }) => id),
    metadata: serviceMetadata(monitor),
  }));
}

/** A service's metadata: its own, or what the stack declares of it. */
export function serviceMetadata({ upstream, sighting }: Monitor): Metadata {
  return sighting.metadata ?? synthesiseMetadata(upstream, endpointsFor(upstream.provides));
}

/** The gateway's own metadata, over all its services. */
export function gatewayMetadata(app: App): Metadata {
  const { monitors, config } = app.registry.snapshot;
  const provides = [...monitors.values()].flatMap(({ upstream }) => upstream.provides);
  const own = [
    { path: "/v1/models", method: "GET", operation_id: "listModels" },
    { path: "/v1/services", method: "GET", operation_id: "listServices" },
  ];
  return {
    schema_version: "v1",
    service: { name: "gateway", version: app.version, description: "One door to every service" },
    backend: { name: "nexus", vendor: "nexus" },
    stack: config?.stack ?? "",
    endpoints: [...own, ...endpointsOver(provides)],
    capabilities: capabilities(provides),
  };
}

/** The metadata, and what a user interface needs to find its way. */
export function gatewayDescriptor(app: App): unknown {
  return {
    ...gatewayMetadata(app),
    response_types: { default: "application/json", streaming: "text/event-stream" },
    ui_navigation: { placement: "hidden", group: "system" },
    all_endpoints: endpoints.map(({ path, capabilities: needs }) => ({
      path,
      capabilities: needs,
    })),
  };
}

/** Whether the gateway itself can serve; its upstreams are listed and take nothing away from it. */
export function gatewayReadiness(app: App): Readonly<{ ready: boolean; body: unknown }> {
  const { config, monitors } = app.registry.snapshot;
  const checks = {
    configuration: config ? "ok" : "not_configured",
    keys: app.keys.size > 0 ? "ok" : "no_keys_configured",
    shutdown: app.isDraining() ? "shutting_down" : "no",
  };
  const ready = config !== undefined && app.keys.size > 0 && !app.isDraining();
  const upstreams = [...monitors.values()].map(({ upstream, sighting }) => ({
    id: upstream.id,
    state: sighting.report.state,
  }));
  return { ready, body: { status: ready ? "ready" : "not_ready", checks, upstreams } };
}

/** The whole stack as the gateway sees it. */
export function stackReadiness(app: App): StackReadiness {
  const { config, hash, monitors } = app.registry.snapshot;
  const door = app.certificates.state;
  const all = [...monitors.values()];
  const ready = config !== undefined && app.keys.size > 0 && all.every((one) => one.ready);
  return {
    status: ready ? "ready" : "not_ready",
    stack: config?.stack ?? "",
    container: hostname(),
    config_hash: hash,
    ...(door.kind === "secure" && { certificate: door.certified.certificate }),
    keys: app.keys.size,
    in_flight: app.backends.inFlight,
    services: all.map((monitor) => ({
      id: monitor.upstream.id,
      url: monitor.upstream.url,
      in_flight: app.backends.inFlightAt(monitor.upstream.url),
      ...monitor.sighting.report,
      present_models: presentModels(monitor),
    })),
  };
}

/** A probe sees models only where readiness depends on them; a service that is ready lists its own. */
function presentModels({ ready, sighting }: Monitor): readonly string[] {
  const { report, models, listed } = sighting;
  return ready && listed ? models.map(({ id }) => id) : report.present_models;
}
