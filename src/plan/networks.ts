/** Which networks a container has to be connected to, and under which name. */
import type { ObservedContainer } from "../engine/engine.ts";
import { type Course, isAlive } from "./course.ts";
import { actionId } from "./names.ts";
import type { Action } from "./plan.ts";
import { type Scene, stopsFirst } from "./scene.ts";

/** Whether the next container runs beside the old one, which keeps the service's name until it is replaced. */
export function overlaps(course: Course, scene: Scene): boolean {
  return course.old !== undefined && isAlive(course.old) && stopsFirst(course, scene) === undefined;
}

/** The names that a container answers to while it is not yet, or just, the one that serves. */
export function firstAliases(course: Course, scene: Scene): readonly string[] {
  return overlaps(course, scene) ? [] : [course.member.name];
}

/** Connects the next container to the networks that it lacks, before it starts. */
export function joinActions(course: Course, scene: Scene): readonly Action[] {
  const aliases = firstAliases(course, scene);
  return missingNetworks(course, aliases, scene).map(({ network, attached }) => ({
    ...connection(course, network, aliases),
    after: [actionId("create", course.next.name), actionId("create-network", network)],
    because: attached ? "it lost its name in this network" : joinBecause(course),
    ...(attached && course.next.existing?.state === "running" && { cost: { cutsStreams: true } }),
    reconnect: attached,
  }));
}

/** Gives the service's name to the next container once it is ready, while the old one still serves. */
export function aliasActions(course: Course, scene: Scene): readonly Action[] {
  const { member, next } = course;
  if (!overlaps(course, scene)) return [];
  return member.networks
    .filter((network) => !next.existing || !hasName(next.existing, network, member.name))
    .map((network) => ({
      ...connection(course, network, [member.name]),
      after: [actionId("await", next.name)],
      because: `it answers to ${member.name} from now on`,
      reconnect: true,
    }));
}

/** The ids of the actions that attach the next container. */
export function idsOf(actions: readonly Action[]): readonly string[] {
  return actions.map(({ id }) => id);
}

type Connection = Extract<Action, { kind: "connect" }>;

function connection(
  { member, next }: Course,
  network: string,
  aliases: readonly string[],
): Omit<Connection, "after" | "because" | "reconnect"> {
  const suffix = aliases.length > 0 ? ["as", ...aliases] : [];
  const id = actionId("connect", next.name, network, ...suffix);
  return { kind: "connect", id, service: member.name, container: next.name, network, aliases };
}

/** A new container is created on its first network already. */
function missingNetworks(
  { member, next }: Course,
  aliases: readonly string[],
  scene: Scene,
): readonly Readonly<{ network: string; attached: boolean }>[] {
  const { existing } = next;
  if (!existing) return member.networks.slice(1).map((network) => ({ network, attached: false }));
  return member.networks
    .map((network) => ({ network, attached: isAttached(existing, network, scene) }))
    .filter(
      ({ network, attached }) =>
        !attached || aliases.some((alias) => !hasName(existing, network, alias)),
    );
}

/** A stopped container names its network; when that was made anew, it is the new one that it gets at its start. */
function isAttached(container: ObservedContainer, name: string, { input }: Scene): boolean {
  const ids = input.observed.networks
    .filter((network) => network.name === name)
    .map(({ id }) => id);
  return container.networks.some(
    (network) =>
      network.name === name && (container.state !== "running" || ids.includes(network.id)),
  );
}

function hasName(container: ObservedContainer, network: string, alias: string): boolean {
  return container.networks.some(
    ({ name, aliases }) => name === network && aliases.includes(alias),
  );
}

function joinBecause({ next }: Course): string {
  return next.existing ? "it is not in this network" : "it belongs to two networks";
}
