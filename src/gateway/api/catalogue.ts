/** What the gateway tells of itself and of the services behind it. */
import { hostname } from "node:os";
import type { App } from "../app.ts";
import { endpoints, endpointsFor, endpointsOver, sufficient } from "./endpoints.ts";
import { servicesPrefix } from "../native/target.ts";
import type { KeyRecord, StackReadiness } from "../protocol.ts";
import { maySee } from "../routing/route.ts";
import { capabilities, synthesiseMetadata } from "../upstreams/metadata.ts";
import type { Metadata } from "../upstreams/metadata-schema.ts";
import type { Monitor } from "../upstreams/monitor.ts";

/** The registry: every service, its state, and what a user interface needs to show and use it with a key. */
export function listServices(app: App, key: KeyRecord): readonly unknown[] {
  return [...app.registry.snapshot.monitors.values()].map((monitor) => {
    const { upstream, sighting, backend } = monitor;
    const metadata = publicMetadata(monitor);
    return {
      id: upstream.id,
      object: "service",
      path: `${servicesPrefix}${upstream.id}/`,
      provides: upstream.provides,
      state: sighting.report.state,
      detail: sighting.report.detail,
      external: upstream.external,
      models: sighting.models.map(({ id }) => id).filter((id) => maySee(key, upstream.id, id)),
      max_concurrency: backend.gate.limit ?? null,
      in_flight: backend.inFlight,
      queued: backend.gate.queued,
      ...faceOf(metadata),
      resources: metadata.resources ?? {},
      metadata,
      metadata_problems: sighting.metadataProblems,
    };
  });
}

/** What a user interface shows of a service: its form, where it stands, and what comes back. */
function faceOf({ ui, response_types, ui_navigation }: Metadata) {
  return {
    ui: { options: [], ...ui },
    response_types: response_types ?? { default: "application/json" },
    ui_navigation: ui_navigation ?? { placement: "sidebar", group: "other" },
  };
}

/** A service's metadata without the address that it may give of its backend. */
function publicMetadata(monitor: Monitor): Metadata {
  const metadata = serviceMetadata(monitor);
  if (metadata.backend?.["base_url"] === undefined) return metadata;
  const { base_url: _, ...backend } = metadata.backend;
  return { ...metadata, backend };
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

/** The metadata, and what a user interface needs to find its way; with a key, `/v1/services` tells more. */
export function gatewayDescriptor(app: App): unknown {
  const { monitors } = app.registry.snapshot;
  return {
    ...gatewayMetadata(app),
    response_types: { default: "application/json", streaming: "text/event-stream" },
    ui_navigation: { placement: "hidden", group: "system" },
    services: [...monitors.values()].map((monitor) => ({
      id: monitor.upstream.id,
      state: monitor.sighting.report.state,
      provides: monitor.upstream.provides,
      ...faceOf(publicMetadata(monitor)),
    })),
    all_endpoints: endpoints.map((endpoint) => ({
      path: endpoint.path,
      capabilities: sufficient(endpoint),
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
    ...originsOf(app),
    in_flight: app.backends.inFlight,
    services: all.map((monitor) => ({
      id: monitor.upstream.id,
      url: monitor.upstream.url,
      in_flight: app.backends.inFlightAt(monitor.upstream.url),
      ...(app.registry.isProven(monitor.upstream) && { proven: true as const }),
      ...monitor.sighting.report,
      present_models: presentModels(monitor),
    })),
  };
}

function originsOf({
  keys,
  registry,
}: App): Pick<StackReadiness, "keys_from_addresses" | "clients"> {
  const { clients } = registry.snapshot.config ?? {};
  const limited = keys.list().filter(({ allowed_ips }) => allowed_ips !== undefined);
  return { keys_from_addresses: limited.length, ...(clients && { clients }) };
}

/** A probe sees models only where readiness depends on them; a service that is ready lists its own. */
function presentModels({ ready, sighting }: Monitor): readonly string[] {
  const { report, models, listed } = sighting;
  return ready && listed ? models.map(({ id }) => id) : report.present_models;
}
