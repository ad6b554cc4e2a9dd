/** Makes sure that a member is at its level, and has its models; asks nothing that is known already. */
import type { ObservedContainer } from "../engine/engine.ts";
import type { StackReadiness } from "../gateway/protocol.ts";
import type { ExternalService, Level } from "../stack/stack.ts";
import type { Course } from "./course.ts";
import { externalUpstream } from "./gateway-config.ts";
import { gatewayGate, isProbed, readyGate, starts } from "./gates.ts";
import { awaitTarget, isOneShot, memberUpstream } from "./member.ts";
import { keepsOnEngineDisk } from "./model-disk.ts";
import { actionId, gatewayName } from "./names.ts";
import { idsOf, joinActions } from "./networks.ts";
import type { Action } from "./plan.ts";
import type { Scene } from "./scene.ts";
import { upheavalBecause, upheavalGates } from "./upheaval.ts";

/** Waits for a member's next container, after fetching the models that it lacks. */
export function confirmActions(course: Course, scene: Scene): readonly Action[] {
  const { member, next } = course;
  const models = missingModels(course, scene);
  const isDone = isConfirmed(course, scene) && models.length === 0;
  const upheaval = isDone ? upheavalBecause(course, scene) : undefined;
  if (isDone && upheaval === undefined) return [];
  const pulls = pullModelActions(course, models, scene);
  return [
    ...pulls,
    {
      kind: "await",
      id: readyGate(next.name),
      after: [...awaitGates(course, scene), ...idsOf(pulls), ...upheavalGates(course, scene)],
      because: upheaval ?? awaitBecause(course, scene),
      service: member.name,
      container: next.name,
      target: awaitTarget(member, next.name),
    },
  ];
}

/** Waits for the endpoints that Nexus does not run, where they are not known to be at their level. */
export function externalActions(scene: Scene): readonly Action[] {
  return scene.input.stack.services.flatMap((service) =>
    service.kind === "external" && !isAtLevel(service.name, service.ready, scene)
      ? [awaitExternal(service, scene)]
      : [],
  );
}

function awaitExternal(service: ExternalService, scene: Scene): Action {
  const { name, ready: level, stallTimeoutMs } = service;
  return {
    kind: "await",
    id: readyGate(name),
    after: [gatewayGate(scene)],
    because: doubt(name, level, scene),
    service: name,
    target: {
      level,
      upstream: externalUpstream(service),
      stallTimeoutMs,
      stableMs: 0,
      oneShot: false,
    },
  };
}

/** The model store has to answer before it can be told to fetch. */
function pullModelActions(
  course: Course,
  models: readonly string[],
  scene: Scene,
): readonly Action[] {
  const { member, next } = course;
  const upstream = memberUpstream(member, next.name);
  const store = member.service?.modelPull ?? "none";
  if (models.length === 0 || !upstream || store === "none" || !member.service) return [];
  const reachable = actionId("await", next.name, "reachable");
  const target = { ...awaitTarget(member, next.name), level: "reachable" as const };
  const shared = {
    service: member.name,
    declared: member.service.models,
    onEngineDisk: keepsOnEngineDisk(member.service, scene.input.stack),
    because: "the model is declared and not known to be there",
  };
  return [
    {
      kind: "await",
      id: reachable,
      after: awaitGates(course, scene),
      because: "models are fetched through it",
      service: member.name,
      container: next.name,
      target,
    },
    ...models.map((model): Action => ({
      ...shared,
      kind: "pull-model",
      id: actionId("pull-model", member.name, model),
      after: [reachable],
      cost: { pullBytes: 0 },
      store,
      upstream,
      model,
      stallTimeoutMs: target.stallTimeoutMs,
    })),
  ];
}

function awaitGates(course: Course, scene: Scene): readonly string[] {
  const { member, next } = course;
  return [
    actionId("start", next.name),
    ...idsOf(joinActions(course, scene)),
    ...(isProbed(member) ? [gatewayGate(scene)] : []),
  ];
}

/** Leftovers are cleared away only once it is certain that the one which stays serves. */
function isConfirmed(course: Course, scene: Scene): boolean {
  const { member, next, old, extras } = course;
  if (starts(course) || !next.existing || old || extras.length > 0) return false;
  if (joinActions(course, scene).length > 0) return false;
  if (isOneShot(member)) return next.existing.state === "exited";
  if (member.name === gatewayName) return scene.input.gateway.readiness !== undefined;
  if (wasNeverReady(course, next.existing)) return false;
  return !isProbed(member) || isAtLevel(member.name, member.level, scene);
}

/** The restart policy is set once a container is ready, so one without never was. */
function wasNeverReady({ member }: Course, { state, restart }: ObservedContainer): boolean {
  return state !== "running" || (restart.name === "no" && member.blueprint.restart.name !== "no");
}

const states: Readonly<Record<Level, readonly string[]>> = {
  running: ["unreachable", "reachable", "loading", "ready"],
  reachable: ["reachable", "loading", "ready"],
  ready: ["ready"],
  proven: ["ready"],
};

function isAtLevel(service: string, level: Level, scene: Scene): boolean {
  const report = scene.trusted ? reportOf(service, scene) : undefined;
  if (level === "running") return true;
  if (report === undefined || !states[level].includes(report.state)) return false;
  return level !== "proven" || report.proven === true;
}

function reportOf(
  service: string,
  { input }: Scene,
): StackReadiness["services"][number] | undefined {
  return input.gateway.readiness?.services.find(({ id }) => id === service);
}

/** Models that the service's container, or the one before it on the same volume, is not known to have. */
function missingModels(course: Course, scene: Scene): readonly string[] {
  const { service } = course.member;
  if (service === undefined || service.modelPull === "none") return [];
  const report = keepsItsModels(course) ? reportOf(service.name, scene) : undefined;
  const named = service.modelPull === "ollama" ? withTag : (model: string) => model;
  const present = new Set(report?.present_models.map(named));
  return service.models.filter((model) => !present.has(named(model)));
}

function keepsItsModels({ member, next, old }: Course): boolean {
  if (next.existing) return true;
  return member.blueprint.mounts.some(
    (mount) => mount.kind === "volume" && old?.volumes.includes(mount.source),
  );
}

/** Ollama calls `llama3.2` by its full name, `llama3.2:latest`. */
function withTag(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1).includes(":") ? model : `${model}:latest`;
}

function awaitBecause(course: Course, scene: Scene): string {
  const { member, old, extras } = course;
  if (starts(course))
    return isOneShot(member) ? "its work has to be done" : "a start proves nothing";
  if (old || extras.length > 0) return "it has to serve before others go";
  return joinActions(course, scene).length > 0 ? "it was out of reach" : upBecause(course, scene);
}

/** Why a container that is up is still waited for. */
function upBecause(course: Course, scene: Scene): string {
  const { member, next } = course;
  if (member.name === gatewayName) return "it has not answered yet";
  if (next.existing?.state === "restarting") return "it restarts again and again";
  const unproven = next.existing && wasNeverReady(course, next.existing);
  if (unproven) return "it runs, but was never seen ready";
  return doubt(member.name, member.level, scene);
}

/** Why what the gateway says of a service is not enough. */
function doubt(service: string, level: Level, scene: Scene): string {
  if (!scene.trusted) return "the gateway has not judged it by this configuration";
  const report = reportOf(service, scene);
  if (report?.state === "ready" && level === "proven") {
    return "no real request has proven it since the gateway started";
  }
  return report?.detail ?? "the gateway has not asked it yet";
}
