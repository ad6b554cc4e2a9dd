/** Frees a service's GPU memory without stopping it, by the request that its software takes for that. */
import { setTimeout as delay } from "node:timers/promises";
import type { Engine, ObservedContainer } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import type { Upstream } from "../gateway/config.ts";
import { externalUpstream, upstreamOf } from "../plan/gateway-config.ts";
import type { GatewayLink } from "../readiness/gateway-link.ts";
import { isRecord } from "../stack/record.ts";
import { askStore, parseJson } from "../readiness/model-store.ts";
import { requestUpstream } from "../readiness/upstream-request.ts";
import type { ReleaseVerb, Service, Stack } from "../stack/stack.ts";
import { runningContainer, UnknownServiceError } from "./selection.ts";
import { usedGpuBytes } from "./verify-gpu.ts";

/** What came of it. */
export type Release = Readonly<{
  service: string;
  /** The models that it was told to unload, none where nothing was loaded; absent where one request unloads everything. */
  models?: readonly string[];
  /** How much GPU memory came free, where the container's driver tells. */
  freedBytes?: number;
}>;

/** A service's software has no request that frees GPU memory, as far as is known. */
export class NoReleaseError extends NexusError {
  readonly code = "NEXUS_NO_RELEASE";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(service: string) {
    super(`${service} has no way to free its GPU memory that Nexus knows of.`);
    this.remedy = `Declare \`release:\` for ${service} in nexus.yaml if it has one, or run \`nexus restart ${service}\`.`;
  }
}

/** A service refused to free its GPU memory. */
export class ReleaseFailedError extends NexusError {
  readonly code = "NEXUS_RELEASE_FAILED";
  readonly exitCode = exitCodes.notReady;
  readonly remedy: string;

  constructor(service: string, why: string) {
    super(`${service} did not free its GPU memory: ${why}.`);
    this.remedy = `Look at \`nexus logs ${service}\`; \`nexus restart ${service}\` frees it in any case.`;
  }
}

type Sources = Readonly<{ engine: Engine; link: GatewayLink; stack: Stack }>;

/** Asks once, or once for every model that is loaded. Throws NoReleaseError, ReleaseFailedError and UnknownServiceError. */
export async function releaseGpu({ engine, link, stack }: Sources, name: string): Promise<Release> {
  const service = findService(stack, name);
  const { release: verb } = service;
  const container = verb && (await containerOf(engine, stack, service));
  const upstream = container ? upstreamIn(service, container) : externalOf(service);
  if (verb === undefined || upstream === undefined) throw new NoReleaseError(name);
  const used = async () => (container ? usedBy(engine, container) : undefined);
  const before = await used();
  const models = await releaseAll({ link, upstream, verb });
  const release = { service: name, ...(models && { models }) };
  if (before === undefined || models?.length === 0) return release;
  return { ...release, freedBytes: await freedSince(used, before) };
}

/** The models that were named; undefined where the request names none. */
async function releaseAll(asking: Asking): Promise<readonly string[] | undefined> {
  if (!namesModel(asking.verb)) {
    await askToRelease(asking, "");
    return undefined;
  }
  const models = await loadedModels(asking.link, asking.upstream);
  for (const model of models) await askToRelease(asking, model);
  return models;
}

async function usedBy(
  engine: Engine,
  { id, gpus }: ObservedContainer,
): Promise<number | undefined> {
  const tells = gpus !== undefined && gpus.kind !== "amd";
  return tells ? usedGpuBytes(engine, id) : undefined;
}

function findService({ services }: Stack, name: string): Service {
  const names = services.map((service) => service.name);
  const found = services.find((service) => service.name === name);
  if (found === undefined) throw new UnknownServiceError(name, names);
  return found;
}

async function containerOf(
  engine: Engine,
  stack: Stack,
  service: Service,
): Promise<ObservedContainer | undefined> {
  if (service.kind === "external") return undefined;
  const { containers } = await engine.observe(stack.name, []);
  return runningContainer(containers, service.name);
}

function upstreamIn(service: Service, { name }: ObservedContainer): Upstream | undefined {
  return service.kind === "container" ? upstreamOf(service, name) : undefined;
}

function externalOf(service: Service): Upstream | undefined {
  return service.kind === "external" ? externalUpstream(service) : undefined;
}

function namesModel({ path, body }: ReleaseVerb): boolean {
  return `${path} ${JSON.stringify(body)}`.includes("{model}");
}

type Asking = Readonly<{ link: GatewayLink; upstream: Upstream; verb: ReleaseVerb }>;

async function askToRelease({ link, upstream, verb }: Asking, model: string): Promise<void> {
  const path = verb.path.replaceAll("{model}", encodeURIComponent(model));
  const body = verb.body === undefined ? undefined : filled(verb.body, model);
  const { method } = verb;
  const request = { link, upstream, method, path, onText: () => undefined };
  const status = await requestUpstream({ ...request, ...(body === undefined ? {} : { body }) });
  if (status >= 200 && status < 300) return;
  throw new ReleaseFailedError(upstream.id, `${method} ${path} answered with ${status}`);
}

/** The body with the model's name in the place of `{model}`, escaped as JSON wants it. */
function filled(body: unknown, model: string): unknown {
  const escaped = JSON.stringify(model).slice(1, -1);
  return JSON.parse(JSON.stringify(body).replaceAll("{model}", () => escaped));
}

/** Those that an Ollama has in memory (`GET /api/ps`); of other software those that are declared. */
async function loadedModels(link: GatewayLink, upstream: Upstream): Promise<readonly string[]> {
  if (upstream.probe.models !== "ollama") return upstream.models;
  const { status, text } = await askStore({ link, upstream }, { method: "GET", path: loadedPath });
  const fail = (why: string) => new ReleaseFailedError(upstream.id, `GET ${loadedPath} ${why}`);
  if (status !== 200) throw fail(`answered with ${status}`);
  const document = parseJson(text);
  const models = isRecord(document) ? (document["models"] ?? []) : undefined;
  if (!Array.isArray(models)) throw fail("does not list what it has loaded");
  return models.flatMap((model) =>
    isRecord(model) && typeof model["name"] === "string" ? [model["name"]] : [],
  );
}

const loadedPath = "/api/ps";

const lookEveryMs = 250;
const patienceMs = 5_000;

/** Drivers give memory back a moment after the software said so. */
async function freedSince(
  used: () => Promise<number | undefined>,
  before: number,
): Promise<number> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const freed = before - ((await used()) ?? before);
    if (freed > 0 || Date.now() >= deadline) return Math.max(0, freed);
    await delay(lookEveryMs);
  }
}
