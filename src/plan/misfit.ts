/** Compares a container with what is wanted, and says in words what differs. */
import type { Observed, ObservedContainer } from "../engine/engine.ts";
import { judgeHash } from "./config-hash.ts";
import { gpuIds } from "./gpu-placement.ts";
import type { Member } from "./member.ts";

/** Why a container cannot be the one that serves; undefined when it can. */
export function misfit(
  member: Member,
  container: ObservedContainer,
  observed: Observed,
): string | undefined {
  return (
    broken(container) ??
    changed(member, container) ??
    newerImage(container, observed) ??
    unlimited(member, container)
  );
}

/** Whether the container was made by a newer Nexus, so that nobody here can tell if it is what is wanted. */
export function isBeyondUs(member: Member, { identity }: ObservedContainer): boolean {
  return (
    identity !== undefined &&
    judgeHash(identity.configHash, member.blueprint, member.contents) === "unknown"
  );
}

/** Why a container that fits does not run. */
export function stoppedBecause({
  state,
  startedAt,
  oomKilled,
  exitCode,
}: ObservedContainer): string {
  if (state === "paused") return "it is paused";
  if (state === "created" || startedAt === "") return "an interrupted run left it unstarted";
  return oomKilled ? "it ran out of memory" : `it exited with code ${exitCode}`;
}

function broken({ state, error }: ObservedContainer): string | undefined {
  if (state === "dead" || state === "removing") return `the engine calls its container ${state}`;
  if (state === "created" && error !== "") return `its container did not start: ${error}`;
  return undefined;
}

function changed(member: Member, container: ObservedContainer): string | undefined {
  const { blueprint, contents } = member;
  const verdict = judgeHash(container.identity?.configHash ?? "", blueprint, contents);
  if (verdict !== "changed") return undefined;
  if (container.image !== blueprint.image)
    return `image ${container.image} → ${blueprint.image}${aside(member)}`;
  return (
    gpuChange(member, container) ??
    portChange(member, container) ??
    networkChange(member, container) ??
    "its configuration changed"
  );
}

function portChange({ blueprint }: Member, { ports }: ObservedContainer): string | undefined {
  const [before, after] = [ports, blueprint.ports].map((all) =>
    listed(all.map(({ hostPort }) => String(hostPort)).toSorted()),
  );
  return before === after ? undefined : `published port ${before} → ${after}`;
}

function networkChange({ blueprint }: Member, { networks }: ObservedContainer): string | undefined {
  const names = networks.map(({ name }) => name);
  return names.includes(blueprint.network.name)
    ? undefined
    : `network ${listed(names)} → ${blueprint.network.name}`;
}

function gpuChange(member: Member, container: ObservedContainer): string | undefined {
  const [before, after] = [gpuIds(container.gpus), gpuIds(member.blueprint.gpus)];
  if (before.toSorted().join() === after.toSorted().join()) return undefined;
  return `GPU ${listed(before)} → ${listed(after)}${aside(member)}`;
}

function aside({ onCpu }: Member): string {
  return onCpu === undefined ? "" : ` (${onCpu})`;
}

function listed(ids: readonly string[]): string {
  return ids.length === 0 ? "none" : ids.join(", ");
}

/** The same reference stands for another image since it was pulled or built again. */
function newerImage(
  { image, imageId }: ObservedContainer,
  { images }: Observed,
): string | undefined {
  const current = images[image];
  const same = current === undefined || bareId(current.id) === bareId(imageId);
  return same ? undefined : `${image} was fetched anew since`;
}

/** Podman leaves the algorithm out. */
function bareId(id: string): string {
  return id.replace(/^sha256:/, "");
}

/** Engines change a limit in place, but cannot take one away. */
function unlimited({ blueprint }: Member, { limits }: ObservedContainer): string | undefined {
  const wanted = blueprint.limits;
  if (limits.memoryBytes !== undefined && wanted.memoryBytes === undefined)
    return "its memory limit goes away";
  return limits.cpus !== undefined && wanted.cpus === undefined
    ? "its CPU limit goes away"
    : undefined;
}
