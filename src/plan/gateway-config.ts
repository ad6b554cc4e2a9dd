/** What the gateway is told: every service as an upstream, at the address it has at the moment. */
import type { GatewayConfig, Upstream } from "../gateway/config.ts";
import type { ContainerService, ExternalService, Service, Stack } from "../stack/stack.ts";
import { containerUrl } from "./names.ts";

/** An external service as the gateway sees it; a path in its address is the prefix of its API. */
export function externalUpstream(service: ExternalService): Upstream {
  const { origin, pathname } = new URL(service.url);
  const path = pathname.replace(/\/+$/, "");
  const apiPath = path === "" ? service.apiPath : path;
  return {
    ...served(service),
    url: origin,
    api_path: apiPath,
    external: true,
    probe: service.probe ?? { ...modelList, path: `${apiPath}/models` },
  };
}

/** Limits that a service shares with others. */
export type SharedLimits = NonNullable<Upstream["shared_limits"]>;

/** The limits of a service on these GPUs: one for each, shared with every other service there. */
export function gpuLimits({ gateway }: Stack, gpus: readonly string[]): SharedLimits {
  const { gpuConcurrency: most } = gateway;
  return most === undefined ? [] : gpus.map((id) => ({ name: `gpu ${id}`, max_concurrency: most }));
}

/** A container service as the gateway sees it at `url`; undefined for one that does not speak HTTP. */
export function upstreamAt(
  service: ContainerService,
  url: string,
  shared: SharedLimits = [],
): Upstream | undefined {
  if (service.port === undefined || service.probe === undefined) return undefined;
  return {
    ...served(service),
    url,
    api_path: service.apiPath,
    external: false,
    probe: service.probe,
    ...(shared.length > 0 && { shared_limits: shared }),
  };
}

/** The same, at the address of one of its containers. */
export function upstreamOf(
  service: ContainerService,
  container: string,
  shared: SharedLimits = [],
): Upstream | undefined {
  return service.port === undefined
    ? undefined
    : upstreamAt(service, containerUrl(container, service.port), shared);
}

/** Where a container service answers now, and the limits that it shares. */
export type Placed = Readonly<{ url: string; shared: SharedLimits }>;

/** What else the gateway is told: the digest of the API's certificate, and what it can know of its clients. */
export type GatewayFacts = Readonly<{
  certificate?: string | undefined;
  clients?: GatewayConfig["clients"];
}>;

/** The whole configuration, in file order; `placed` holds each container service that can be routed to. */
export function gatewayConfig(
  stack: Stack,
  placed: Readonly<Record<string, Placed>>,
  { certificate, clients }: GatewayFacts = {},
): GatewayConfig {
  const upstreams = stack.services.map((service) => upstreamFor(service, placed[service.name]));
  return {
    version: 1,
    stack: stack.name,
    upstreams: upstreams.filter((upstream) => upstream !== undefined),
    aliases: stack.gateway.aliases,
    ...aliasTerms(stack.gateway),
    ...patience(stack.gateway),
    ...(stack.gateway.otlp && { otlp: stack.gateway.otlp }),
    ...(stack.gateway.cors && { cors: [...stack.gateway.cors] }),
    ...(clients && { clients }),
    ...(certificate !== undefined && { tls: { certificate } }),
  };
}

/** What holds for some of the aliases. */
function aliasTerms({
  aliasCaps,
  aliasRules,
  aliasesWithoutTools,
}: Stack["gateway"]): Pick<GatewayConfig, "alias_caps" | "alias_rules" | "aliases_without_tools"> {
  return {
    ...(Object.keys(aliasCaps).length > 0 && { alias_caps: aliasCaps }),
    ...(Object.keys(aliasRules).length > 0 && { alias_rules: aliasRules }),
    ...(aliasesWithoutTools.length > 0 && { aliases_without_tools: [...aliasesWithoutTools] }),
  };
}

/** Only what the stack says: the gateway knows its defaults. */
function patience({
  timeouts: { firstByteMs, idleMs, totalMs },
  heartbeatMs,
}: Stack["gateway"]): Pick<GatewayConfig, "timeouts" | "heartbeat_ms"> {
  const timeouts = {
    ...(firstByteMs !== undefined && { first_byte_ms: firstByteMs }),
    ...(idleMs !== undefined && { idle_ms: idleMs }),
    ...(totalMs !== undefined && { total_ms: totalMs }),
  };
  return {
    ...(Object.keys(timeouts).length > 0 && { timeouts }),
    ...(heartbeatMs !== undefined && { heartbeat_ms: heartbeatMs }),
  };
}

const modelList = { status: [200], loading: [503], models: "openai" as const };

function upstreamFor(service: Service, placed: Placed | undefined): Upstream | undefined {
  if (service.kind === "external") return externalUpstream(service);
  return placed && upstreamAt(service, placed.url, placed.shared);
}

function served(
  service: Service,
): Pick<
  Upstream,
  | "id"
  | "provides"
  | "models"
  | "metrics_path"
  | "max_concurrency"
  | "stream_usage"
  | "metadata"
  | "dialects"
> {
  return {
    id: service.name,
    provides: [...service.provides],
    models: [...service.models],
    ...(service.metricsPath !== undefined && { metrics_path: service.metricsPath }),
    ...(service.maxConcurrency !== undefined && { max_concurrency: service.maxConcurrency }),
    ...(service.streamUsage !== undefined && { stream_usage: service.streamUsage }),
    ...(service.metadata && { metadata: service.metadata }),
    ...(service.dialects && { dialects: service.dialects }),
  };
}
