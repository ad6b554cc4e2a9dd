/** Decides, for one member of the stack, which container is to serve and what becomes of the others. */
import type { ObservedContainer } from "../engine/engine.ts";
import { type Member, isOneShot } from "./member.ts";
import { misfit, stoppedBecause } from "./misfit.ts";
import { containerName } from "./names.ts";
import type { UpInput } from "./plan.ts";

/** Where a member is heading. */
export type Course = Readonly<{
  member: Member;
  /** The container that is to serve; without `existing` it has to be created. */
  next: Readonly<{ name: string; generation: number; existing?: ObservedContainer }>;
  /** The container that serves until then, and is put back if `next` fails. */
  old?: ObservedContainer;
  /** Leftovers of interrupted runs. */
  extras: readonly ObservedContainer[];
  /** Why `next` cannot simply go on as it is; undefined when it can. */
  because?: string;
}>;

/** Chooses a member's course from the containers that carry its name. */
export function chooseCourse(member: Member, input: UpInput): Course {
  const own = containersOf(member.name, input);
  const ranked = own.filter(isGeneration).toSorted((a, b) => rank(b, input) - rank(a, input));
  const best = ranked.find((container) => misfit(member, container, input.observed) === undefined);
  const old = chooseOld(member, { ranked, best, input });
  const extras = own.filter((container) => container !== best && container !== old);
  const chosen = { member, ...(old && { old }), extras };
  return best ? { ...chosen, ...goOn(member, best) } : { ...chosen, ...begin(member, own, input) };
}

/** Running in some way: it holds its ports, volumes and GPUs. */
export function isAlive({ state }: ObservedContainer): boolean {
  return state === "running" || state === "restarting" || state === "paused";
}

/** Whether a container needs no start: it runs, or it has done all it had to do. */
export function isUp(member: Member, container: ObservedContainer): boolean {
  if (isOneShot(member) && container.state === "exited" && container.exitCode === 0) return true;
  return container.state === "running" || container.state === "restarting";
}

/** Whether the gateway sends a service's requests to this container. */
export function isRouted(container: ObservedContainer, { gateway }: UpInput): boolean {
  const service = gateway.readiness?.services.find(({ id }) => id === container.identity?.service);
  return service !== undefined && new URL(service.url).hostname === container.name;
}

/** Every container that carries the name of a member. */
export function containersOf(name: string, { observed }: UpInput): readonly ObservedContainer[] {
  return observed.containers.filter(({ identity }) => identity?.service === name);
}

type Choice = Readonly<{
  ranked: readonly ObservedContainer[];
  best: ObservedContainer | undefined;
  input: UpInput;
}>;

/**
 * The container to hand over from. None when `best` serves already: it runs, and the gateway does not prefer
 * another one that runs.
 */
function chooseOld(member: Member, { ranked, best, input }: Choice): ObservedContainer | undefined {
  const others = ranked.filter((container) => container !== best);
  const alive = others.find(isAlive);
  if (best && isUp(member, best)) return alive && isRouted(alive, input) ? alive : undefined;
  return alive ?? (isOneShot(member) ? undefined : others.find(canReturn));
}

/** Stopped in order, so that it can be expected to run again; a job is never run twice. */
function canReturn({ identity, state, exitCode, oomKilled }: ObservedContainer): boolean {
  if (identity?.role === "job") return false;
  return state === "exited" && !oomKilled && [0, 130, 137, 143].includes(exitCode);
}

function goOn(member: Member, existing: ObservedContainer): Pick<Course, "next" | "because"> {
  const generation = existing.identity?.generation ?? 0;
  const next = { name: existing.name, generation, existing };
  return isUp(member, existing) ? { next } : { next, because: stoppedBecause(existing) };
}

function begin(
  member: Member,
  own: readonly ObservedContainer[],
  input: UpInput,
): Pick<Course, "next" | "because"> {
  const generations = own.map(({ identity }) => identity?.generation ?? 0);
  const generation = Math.max(0, ...generations) + 1;
  const name = containerName(input.stack.name, member.name, generation);
  return {
    next: { name, generation },
    because: beginBecause(member, own.filter(isGeneration), input),
  };
}

function beginBecause(member: Member, own: readonly ObservedContainer[], input: UpInput): string {
  const [newest] = own.toSorted((a, b) => rank(b, input) - rank(a, input));
  const reason = newest && misfit(member, newest, input.observed);
  return reason ?? "it has no container yet";
}

/** Carriers of secrets and the like are generation 0: never a service's container, only leftovers. */
function isGeneration({ identity }: ObservedContainer): boolean {
  return (identity?.generation ?? 0) > 0;
}

/** Routed before running before stopped; newest first among equals. */
function rank(container: ObservedContainer, input: UpInput): number {
  const alive = isAlive(container);
  const standing = (alive && isRouted(container, input) ? 2 : 0) + (alive ? 1 : 0);
  return standing * 1e9 + (container.identity?.generation ?? 0);
}
