/** Whether two containers can run at the same time, and which one has to make room for which. */
import type { ObservedContainer } from "../engine/engine.ts";
import type { PortBinding } from "../stack/stack.ts";
import { type Course, isAlive, isUp } from "./course.ts";
import { gpuIds } from "./gpu-placement.ts";
import { isOneShot, type Member } from "./member.ts";

/** A container that this plan stops; `course` is set when it is the old one of a replacement. */
export type Leaver = Readonly<{ container: ObservedContainer; course?: Course }>;

/** Why a member's old container has to stop before the new one starts; undefined when both can run. */
export function collision(course: Course, courses: readonly Course[]): string | undefined {
  const { member, next, old } = course;
  if (!old || !isAlive(old)) return undefined;
  const besides = next.existing && isUp(member, next.existing);
  return (
    (besides ? undefined : incompatible(member, old, courses)) ??
    heirCollision({ container: old, course }, courses)
  );
}

/** Members whose next container needs a port, a GPU or a volume to write to that a leaving container frees. */
export function heirsOf(leaver: Leaver, courses: readonly Course[]): readonly Course[] {
  const freed = freedBy(leaver);
  return courses.filter(
    (course) =>
      course.member !== leaver.course?.member &&
      (course.next.existing === undefined || course.because !== undefined) &&
      needs(course, freed),
  );
}

/** Whether two bindings cannot exist at the same time on one host. */
export function samePort(a: PortBinding, b: PortBinding): boolean {
  if (a.hostPort !== b.hostPort || a.protocol !== b.protocol) return false;
  return a.hostIp === b.hostIp || isWildcard(a.hostIp) || isWildcard(b.hostIp);
}

type Holdings = Readonly<{
  ports: readonly PortBinding[];
  gpus: readonly string[];
  volumes: readonly string[];
}>;

/** What its own successor takes over is not free for others. */
function freedBy({ container, course }: Leaver): Holdings {
  const successor = course?.member.blueprint;
  const kept = gpuIds(successor?.gpus);
  return {
    ports: container.ports.filter((port) => !successor?.ports.some((own) => samePort(own, port))),
    gpus: gpuIds(container.gpus).filter((id) => !kept.includes(id)),
    volumes: container.volumes.filter(
      (name) =>
        !successor?.mounts.some((mount) => mount.kind === "volume" && mount.source === name),
    ),
  };
}

function needs(course: Course, { ports, gpus, volumes }: Holdings): boolean {
  const { blueprint } = course.member;
  return (
    blueprint.ports.some((port) => ports.some((freed) => samePort(port, freed))) ||
    gpuIds(blueprint.gpus).some((id) => gpus.includes(id)) ||
    takesOver(course).some((name) => volumes.includes(name))
  );
}

/** Volumes that a member begins to write to: one that it writes to now is shared on purpose. */
function takesOver({ member, old }: Course): readonly string[] {
  const before = old && isAlive(old) ? old.volumes : [];
  return member.blueprint.mounts.flatMap((mount) =>
    mount.kind === "volume" && !mount.readOnly && !before.includes(mount.source)
      ? [mount.source]
      : [],
  );
}

function incompatible(
  member: Member,
  old: ObservedContainer,
  courses: readonly Course[],
): string | undefined {
  if (isOneShot(member)) return "a job runs once at a time";
  return (
    portCollision(member, old) ?? volumeCollision(member, old, courses) ?? gpuCollision(member, old)
  );
}

function portCollision({ blueprint }: Member, old: ObservedContainer): string | undefined {
  const port = blueprint.ports.find((wanted) => old.ports.some((held) => samePort(wanted, held)));
  return port && `both publish port ${port.hostPort}`;
}

/**
 * A folder of the host that a service writes to is not visible in what is observed, so it counts as shared. A volume
 * in which it and another service keep their models is no reason: such software bears other writers. Two databases
 * on the files of one would not, whoever else writes there.
 */
function volumeCollision(
  member: Member,
  old: ObservedContainer,
  courses: readonly Course[],
): string | undefined {
  for (const mount of member.blueprint.mounts) {
    if (mount.kind === "tmpfs" || mount.readOnly) continue;
    if (mount.kind === "bind") return `both write to ${mount.source}`;
    if (old.volumes.includes(mount.source) && !holdsSharedModels(mount.source, member, courses))
      return `both write to volume ${mount.source}`;
  }
  return undefined;
}

function holdsSharedModels(volume: string, member: Member, courses: readonly Course[]): boolean {
  if (!keepsModels(member)) return false;
  return courses.some(
    (course) =>
      course.member !== member &&
      keepsModels(course.member) &&
      course.member.blueprint.mounts.some(
        (mount) => mount.kind === "volume" && !mount.readOnly && mount.source === volume,
      ),
  );
}

function keepsModels({ service }: Member): boolean {
  return service !== undefined && (service.models.length > 0 || service.modelPull !== "none");
}

function gpuCollision(member: Member, old: ObservedContainer): string | undefined {
  if (member.gpuRoomForTwo) return undefined;
  const held = gpuIds(old.gpus);
  const shared = gpuIds(member.blueprint.gpus).find((id) => held.includes(id));
  return shared && `GPU ${shared} has no room for two`;
}

function heirCollision(leaver: Leaver, courses: readonly Course[]): string | undefined {
  const [heir] = heirsOf(leaver, courses);
  return heir && `it makes room for ${heir.member.name}`;
}

function isWildcard(hostIp: string): boolean {
  return hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::";
}
