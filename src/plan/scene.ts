/** What every part of a plan for `up` looks at. */
import type { ObservedContainer } from "../engine/engine.ts";
import { configHash, type GatewayConfig } from "../gateway/config.ts";
import { clientsOf } from "./clients.ts";
import { withPresented } from "./certificate.ts";
import { chooseCourse, type Course, isAlive, isRouted } from "./course.ts";
import { gatewayConfig, type Placed } from "./gateway-config.ts";
import { UnfitHardwareError } from "./errors.ts";
import { cordonsIn } from "./gpu-cordon.ts";
import { containerServices, membersOf } from "./member.ts";
import { containerUrl, gatewayName } from "./names.ts";
import { collision, heirsOf, type Leaver } from "./overlap.ts";
import type { UpInput } from "./plan.ts";
import type { Stack } from "../stack/stack.ts";

/** The input, and what was concluded from it. */
export type Scene = Readonly<{
  input: UpInput;
  /** The gateway's first. */
  courses: readonly Course[];
  /** Containers of services that are no longer in the stack, or no longer run here. */
  orphans: readonly ObservedContainer[];
  /** What the gateway is told before any replacement is switched to. */
  config: GatewayConfig;
  /** What the gateway says of the services is about this very configuration. */
  trusted: boolean;
}>;

/** Draws the conclusions. Throws {@link UnfitHardwareError} and the errors of GPU placement. */
export function setScene(wanted: UpInput): Scene {
  refuseUnfit(wanted);
  const courses = chooseCourses(wanted);
  const input = { ...wanted, stack: placedStack(wanted.stack, courses) };
  const config = gatewayConfig(input.stack, currentPlaces(input, courses), {
    certificate: input.gateway.certificate,
    clients: clientsOf(input.stack, input.engine),
  });
  const trusted = gatewayStays(courses) && isTrusted(input, config);
  return { input, courses, orphans: orphansOf(input, courses), config, trusted };
}

/** The stack with its services as they are with the GPUs that they get. */
function placedStack(stack: Stack, courses: readonly Course[]): Stack {
  const placed = new Map(courses.map(({ member }) => [member.name, member.service]));
  const services = stack.services.map((service) => placed.get(service.name) ?? service);
  return { ...stack, services };
}

/** A service that is replaced anyhow leaves the cordoned GPU that it holds, which may make others move in turn. */
function chooseCourses(input: UpInput): readonly Course[] {
  let moving: ReadonlySet<string> = new Set();
  for (;;) {
    const members = membersOf(input, moving);
    const courses = members.map((member) => chooseCourse(member, input));
    const replaced = courses.filter(({ next }) => !next.existing).map(({ member }) => member.name);
    if (cordonsIn(input.observed.volumes).length === 0) return courses;
    if (replaced.every((name) => moving.has(name))) return courses;
    moving = new Set([...moving, ...replaced]);
  }
}

/** Before anything is placed or pulled: what fits no hardware here cannot run here. */
function refuseUnfit({ stack }: UpInput): void {
  for (const { name, template = "", unfit } of containerServices(stack)) {
    if (unfit !== undefined) throw new UnfitHardwareError(name, template, unfit);
  }
}

/** Why a course's old container stops before its new one starts; undefined when they overlap. */
export function stopsFirst(course: Course, { courses }: Scene): string | undefined {
  return collision(course, courses);
}

/** Members that wait for a container to leave. */
export function heirs(leaver: Leaver, { courses }: Scene): readonly Course[] {
  return heirsOf(leaver, courses);
}

/** The containers that have to stop before a course's next one can start. */
export function predecessors(course: Course, scene: Scene): readonly ObservedContainer[] {
  const waitsFor = (leaver: Leaver) => heirs(leaver, scene).includes(course);
  return leaversOf(scene)
    .filter(waitsFor)
    .map(({ container }) => container);
}

/** Every running container that the plan stops for good. */
function leaversOf({ courses, orphans }: Scene): readonly Leaver[] {
  const olds = courses.flatMap((course) => (course.old ? [{ container: course.old, course }] : []));
  const others = [...courses.flatMap(({ extras }) => extras), ...orphans];
  return [...olds, ...others.map((container) => ({ container }))].filter(({ container }) =>
    isAlive(container),
  );
}

/** Until a replacement is switched to, requests go on to where they go now. */
function currentPlaces(
  input: UpInput,
  courses: readonly Course[],
): Readonly<Record<string, Placed>> {
  const places = courses.flatMap(({ member, next, old }) => {
    if (member.service?.port === undefined) return [];
    const url = containerUrl(next.name, member.service.port);
    const current = old && isAlive(old) ? oldUrl(old, member.service.port, input) : url;
    return [[member.name, { url: current, shared: member.sharedLimits }] as const];
  });
  return Object.fromEntries(places);
}

/** As the gateway has it, for the new container may answer on another port. */
function oldUrl(old: ObservedContainer, port: number, input: UpInput): string {
  const known = input.gateway.readiness?.services.find(({ id }) => id === old.identity?.service);
  return known && isRouted(old, input) ? known.url : containerUrl(old.name, port);
}

/** A gateway that starts knows nothing yet, whatever the one before it said. */
export function gatewayStays(courses: readonly Course[]): boolean {
  return courses.every(
    ({ member, because }) => member.name !== gatewayName || because === undefined,
  );
}

/** A configuration that only gained services, or another certificate, leaves what is known of the others standing. */
function isTrusted({ gateway }: UpInput, config: GatewayConfig): boolean {
  const { readiness } = gateway;
  if (!readiness) return false;
  const known = new Set(readiness.services.map(({ id }) => id));
  const upstreams = config.upstreams.filter(({ id }) => known.has(id));
  return readiness.config_hash === configHash(withPresented({ ...config, upstreams }, readiness));
}

function orphansOf(
  { stack, observed }: UpInput,
  courses: readonly Course[],
): readonly ObservedContainer[] {
  const known = new Set(courses.map(({ member }) => member.name));
  return observed.containers.filter(
    ({ identity }) => identity?.stack === stack.name && !known.has(identity.service),
  );
}
