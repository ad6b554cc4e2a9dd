/** Lets a ready container take over from the old one, and clears away what is left. */
import type { ObservedContainer } from "../engine/engine.ts";
import type { Upstream } from "../gateway/config.ts";
import { type Course, isAlive, isRouted } from "./course.ts";
import { upstreamAt } from "./gateway-config.ts";
import { readyGate } from "./gates.ts";
import { awaitTarget, isOneShot, memberUpstream } from "./member.ts";
import { actionId, configureId } from "./names.ts";
import { aliasActions, idsOf, overlaps } from "./networks.ts";
import { inSequence } from "./order.ts";
import type { Action } from "./plan.ts";
import { heirs, type Scene, stopsFirst } from "./scene.ts";

const orphanGraceMs = 10_000;

/** Everything that follows once the next container is ready. */
export function handOverActions(course: Course, scene: Scene): readonly Action[] {
  const { old, extras } = course;
  return [
    ...aliasActions(course, scene),
    ...(old ? [...switchActions(course, scene), ...retireOld(course, old, scene)] : []),
    ...extras.flatMap((extra) => retireExtra(course, extra, scene)),
  ];
}

/** What puts the old container back in charge; undefined when there is none to put back. */
export function recoveryActions(course: Course, scene: Scene): readonly Action[] | undefined {
  const { member, next, old } = course;
  if (!old || isOneShot(member) || old.identity?.role === "job") return undefined;
  const base = { after: [], because: `${next.name} cannot take its place`, service: member.name };
  const upstream = currentUpstream(course, scene);
  const restart = !isAlive(old) || stopsFirst(course, scene) !== undefined;
  const target = awaitTarget(member, old.name);
  return inSequence([
    {
      ...base,
      kind: "remove",
      id: actionId("remove", next.name),
      because: "it failed",
      container: next.name,
    },
    ...(restart
      ? [{ ...base, kind: "start", id: actionId("start", old.name), container: old.name } as const]
      : []),
    ...(upstream
      ? [{ ...base, kind: "switch", id: actionId("switch", member.name), upstream } as const]
      : []),
    ...(restart
      ? [
          {
            ...base,
            kind: "await",
            id: readyGate(old.name),
            container: old.name,
            target: { ...target, ...(upstream && { upstream }) },
          } as const,
        ]
      : []),
  ]);
}

/** Stops and removes the containers of services that are no longer in the stack; their volumes stay. */
export function orphanActions(scene: Scene): readonly Action[] {
  return scene.orphans.flatMap((container) => retireOrphan(container, scene));
}

function switchActions(course: Course, scene: Scene): readonly Action[] {
  const { member, next, old } = course;
  const upstream = memberUpstream(member, next.name);
  if (!upstream || !old || !isAlive(old)) return [];
  return [
    {
      kind: "switch",
      id: actionId("switch", member.name),
      after: [readyGate(next.name), ...idsOf(aliasActions(course, scene)), configureId],
      because: `${next.name} is ready`,
      service: member.name,
      upstream,
    },
  ];
}

function retireOld(course: Course, old: ObservedContainer, scene: Scene): readonly Action[] {
  const { member, next } = course;
  const base = { service: member.name, because: `${next.name} serves in its place` };
  const ready = [
    readyGate(next.name),
    configureId,
    ...idsOf(aliasActions(course, scene)),
    actionId("switch", member.name),
  ];
  const url = currentUpstream(course, scene)?.url ?? routedUrl(old, scene);
  const drain = {
    ...base,
    kind: "drain",
    id: actionId("drain", old.name),
    after: ready,
    because: "open requests end where they began",
  } as const;
  const stop = {
    ...base,
    kind: "stop",
    id: actionId("stop", old.name),
    after: [...ready, drain.id],
    container: old.name,
    graceMs: member.blueprint.stopGraceMs,
  } as const;
  const beside = overlaps(course, scene);
  return [
    ...(beside && url !== undefined ? [{ ...drain, url }] : []),
    ...(beside ? [stop] : []),
    {
      ...base,
      kind: "remove",
      id: actionId("remove", old.name),
      after: [...ready, stop.id],
      container: old.name,
    },
  ];
}

/** Where the gateway sends requests for the service until the switch. */
function currentUpstream({ member, old }: Course, { config }: Scene): Upstream | undefined {
  const current = config.upstreams.find(({ id }) => id === member.name);
  if (!member.service || !old || !current) return undefined;
  return isAlive(old)
    ? upstreamAt(member.service, current.url, member.sharedLimits)
    : memberUpstream(member, old.name);
}

/** One that holds what others need goes at once, and so does one that does nothing; the rest wait for the successor. */
function retireExtra(course: Course, extra: ObservedContainer, scene: Scene): readonly Action[] {
  const { member, next } = course;
  const because = next.existing
    ? "an interrupted run left it behind"
    : `${next.name} takes its place`;
  const hurries = !isAlive(extra) || heirs({ container: extra }, scene).length > 0;
  return retire(extra, {
    service: member.name,
    because,
    graceMs: member.blueprint.stopGraceMs,
    after: hurries ? [] : [readyGate(next.name)],
  });
}

function retireOrphan(container: ObservedContainer, scene: Scene): readonly Action[] {
  const service = container.identity?.service ?? "";
  const because = isExternal(service, scene)
    ? "the service is external now"
    : "the service is no longer in the stack";
  const waiting = heirs({ container }, scene).map(({ next }) => actionId("create", next.name));
  if (waiting.length > 0) {
    return retire(container, { service, because, graceMs: orphanGraceMs, after: waiting });
  }
  const url = routedUrl(container, scene);
  const drain = {
    service,
    because,
    kind: "drain",
    id: actionId("drain", container.name),
    after: [configureId],
  } as const;
  return [
    ...(isAlive(container) && url !== undefined ? [{ ...drain, url }] : []),
    ...retire(container, {
      service,
      because,
      graceMs: orphanGraceMs,
      after: [configureId, drain.id],
    }),
  ];
}

/** Where the gateway reaches this container; undefined when it does not send it anything. */
function routedUrl(container: ObservedContainer, { input }: Scene): string | undefined {
  if (!isRouted(container, input)) return undefined;
  return input.gateway.readiness?.services.find(({ id }) => id === container.identity?.service)
    ?.url;
}

function isExternal(name: string, { input }: Scene): boolean {
  return input.stack.services.some(
    (service) => service.kind === "external" && service.name === name,
  );
}

type Retirement = Readonly<{
  service: string;
  because: string;
  graceMs: number;
  after: readonly string[];
}>;

function retire(
  container: ObservedContainer,
  { graceMs, after, ...base }: Retirement,
): readonly Action[] {
  const { name } = container;
  const stop = {
    ...base,
    kind: "stop",
    id: actionId("stop", name),
    after,
    container: name,
    graceMs,
  } as const;
  return [
    ...(isAlive(container) ? [stop] : []),
    {
      ...base,
      kind: "remove",
      id: actionId("remove", name),
      after: [...after, stop.id],
      container: name,
    },
  ];
}
