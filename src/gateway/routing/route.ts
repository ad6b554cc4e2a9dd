/** Finds the upstreams that may answer a request. Pure: it reads the snapshot and changes nothing. */
import { offers, type Endpoint } from "../api/endpoints.ts";
import type { Failure } from "../api/failure.ts";
import { servesNatively } from "../messages/native.ts";
import { sameModel } from "../upstreams/model-list.ts";
import type { AliasCaps } from "../config.ts";
import type { Monitor } from "../upstreams/monitor.ts";
import { leadOf, type Asked, type Named } from "./alias.ts";
import { nearNames } from "./near-names.ts";
import type { KeyRecord } from "../protocol.ts";
import type { Snapshot } from "../upstreams/registry.ts";

/** One way to answer: an upstream, and the model as it calls it. Among those of one rank any will do; a lower one comes first. */
export type Candidate = Readonly<{ monitor: Monitor; model: string | undefined; rank: number }>;

/** Where a request goes: candidates by rank, all of them ready. */
export type Route = Readonly<
  | { kind: "found"; candidates: readonly Candidate[]; reason: string; caps?: AliasCaps }
  | { kind: "none"; failure: Failure }
>;

type Matches = Readonly<{
  candidates: readonly Candidate[];
  reason: string;
  caps?: AliasCaps;
  refusesTools?: boolean;
}>;

/** Finds who answers a request at an endpoint; without a model, whoever provides the capability. */
export function route(snapshot: Snapshot, endpoint: Endpoint, asked: Asked, key: KeyRecord): Route {
  const model = asked.model || undefined;
  const matches =
    model === undefined ? byCapability(snapshot, endpoint) : byName(snapshot, { ...asked, model });
  const allowed = matches.candidates.filter((candidate) => mayUse(key, candidate, model));
  if (matches.refusesTools && asked.tools && allowed.length > 0) {
    return { kind: "none", failure: toolsNotAllowed(model) };
  }
  const able = allowed.filter(({ monitor }) => serves(monitor, endpoint));
  const ready = able.filter(({ monitor }) => monitor.ready);
  if (ready.length > 0) {
    const { reason, caps } = matches;
    return { kind: "found", candidates: ready, reason, ...(caps && { caps }) };
  }
  return {
    kind: "none",
    failure: explain({ snapshot, endpoint, model, key, matches, allowed, able }),
  };
}

/** Whether a key's model list lets it use a candidate; the name as asked counts, so that an alias can be allowed. */
function mayUse(key: KeyRecord, { monitor, model }: Candidate, asked: string | undefined): boolean {
  if (!key.models) return true;
  const names = [asked, model, `${monitor.upstream.id}/${model ?? ""}`];
  return key.models.some((allowed) => names.includes(allowed));
}

/** Whether a key may see a model at all. */
export function maySee(key: KeyRecord, service: string, model: string): boolean {
  return !key.models || key.models.includes(model) || key.models.includes(`${service}/${model}`);
}

function serves(monitor: Monitor, endpoint: Endpoint): boolean {
  return offers(monitor.upstream.provides, endpoint) || servesNatively(monitor, endpoint);
}

function byCapability(snapshot: Snapshot, endpoint: Endpoint): Matches {
  const monitors = [...snapshot.monitors.values()].filter((one) => serves(one, endpoint));
  const candidates = monitors.map((monitor) => ({ monitor, model: undefined, rank: 0 }));
  return { candidates, reason: `capability:${endpoint.capabilities[0] ?? ""}` };
}

/** An exact model id wins over `service/model`, which wins over an alias. */
function byName(snapshot: Snapshot, asked: Named): Matches {
  const { model: name } = asked;
  const exact = byModelId(snapshot, name);
  if (exact.length > 0) return { candidates: exact, reason: "model" };
  const qualified = byServiceAndModel(snapshot, name);
  if (qualified.length > 0) return { candidates: qualified, reason: "service/model" };
  return byAlias(snapshot, asked);
}

function byAlias(snapshot: Snapshot, asked: Named): Matches {
  const { to, reason, caps, refusesTools } = leadOf(snapshot.config, asked);
  const candidates = to.flatMap((target, rank) => {
    const found = byServiceAndModel(snapshot, target);
    const meant = found.length > 0 ? found : byModelId(snapshot, target);
    return meant.map((candidate) => ({ ...candidate, rank }));
  });
  return { candidates, reason, refusesTools, ...(caps && { caps }) };
}

function byModelId(snapshot: Snapshot, model: string): Candidate[] {
  return [...snapshot.monitors.values()]
    .filter((monitor) => hasModel(monitor, model))
    .map((monitor) => ({ monitor, model, rank: 0 }));
}

/** A service that lists no models may be asked for any: only it can know. */
function byServiceAndModel(snapshot: Snapshot, name: string): Candidate[] {
  const slash = name.indexOf("/");
  const monitor = slash > 0 ? snapshot.monitors.get(name.slice(0, slash)) : undefined;
  const model = name.slice(slash + 1);
  if (!monitor || model === "") return [];
  return !monitor.sighting.listed || hasModel(monitor, model) ? [{ monitor, model, rank: 0 }] : [];
}

function hasModel({ upstream, sighting }: Monitor, model: string): boolean {
  return (
    sighting.models.some(({ id }) => sameModel(id, model, upstream.probe.models)) ||
    upstream.models.some((id) => sameModel(id, model, upstream.probe.models))
  );
}

type Dead = Readonly<{
  snapshot: Snapshot;
  endpoint: Endpoint;
  model: string | undefined;
  key: KeyRecord;
  matches: Matches;
  allowed: readonly Candidate[];
  able: readonly Candidate[];
}>;

/** Why nobody answers, by the first test that nobody passed. */
function explain(dead: Dead): Failure {
  const { snapshot, endpoint, model, matches, allowed, able } = dead;
  if (matches.candidates.length === 0) return unknown(dead);
  if (allowed.length === 0) return notAllowed(model);
  if (able.length === 0) return unsupported(snapshot, endpoint, model);
  return notReady(able);
}

function unknown({ snapshot, endpoint, model, key }: Dead): Failure {
  if (model === undefined) return unsupported(snapshot, endpoint, model);
  const near = nearNames(model, namesFor(key, snapshot));
  const hint = near.length > 0 ? ` Did you mean ${near.join(" or ")}?` : "";
  const message = `The model "${model}" does not exist here.${hint}`;
  return { status: 404, code: "model_not_found", param: "model", message, fault: "client" };
}

function notAllowed(model: string | undefined): Failure {
  const message = `This key may not use the model "${model ?? ""}".`;
  return { status: 403, code: "model_not_allowed", param: "model", message, fault: "policy" };
}

function toolsNotAllowed(model: string | undefined): Failure {
  const message = `Requests for the model "${model ?? ""}" may not have tools.`;
  return { status: 400, code: "tools_not_allowed", param: "tools", message, fault: "client" };
}

function unsupported(snapshot: Snapshot, endpoint: Endpoint, model: string | undefined): Failure {
  const others = [...snapshot.monitors.values()].filter((one) => serves(one, endpoint));
  const names = others.map(({ upstream }) => upstream.id);
  const who = names.length > 0 ? `services that do: ${names.join(", ")}` : "no service here does";
  const what = model === undefined ? "No model serves" : `The model "${model}" does not serve`;
  const message = `${what} ${endpoint.path}; ${who}.`;
  const code = "unsupported_endpoint_for_model";
  // An endpoint that is each service's own choice is, where it was not chosen, not there.
  return {
    status: endpoint.translatedFor ? 404 : 400,
    code,
    param: "model",
    message,
    fault: "client",
  };
}

function notReady(able: readonly Candidate[]): Failure {
  const states = able.map(({ monitor: { upstream, sighting } }) => {
    return `"${upstream.id}" is ${sighting.report.state === "reachable" ? "not ready" : sighting.report.state}`;
  });
  const message = `No service can answer yet: ${[...new Set(states)].join(", ")}.`;
  const again = { retryAfterMs: 2_000 };
  return { status: 503, code: "backend_not_ready", message, fault: "upstream", ...again };
}

/** Every name by which a key may ask for something. */
function namesFor(key: KeyRecord, snapshot: Snapshot): string[] {
  const aliases = Object.keys(snapshot.config?.aliases ?? {}).filter((alias) =>
    byAlias(snapshot, { model: alias }).candidates.some((candidate) =>
      mayUse(key, candidate, alias),
    ),
  );
  const models = [...snapshot.monitors.values()].flatMap(({ upstream, sighting }) =>
    sighting.models
      .filter(({ id }) => maySee(key, upstream.id, id))
      .flatMap(({ id }) => [id, `${upstream.id}/${id}`]),
  );
  return [...aliases, ...models];
}
