/** The plan for `down`, from labels alone: it works without a stack file, and removes nothing that is not the stack's. */
import type { ForeignContainer, Observed, ObservedContainer } from "../engine/engine.ts";
import type { Stack } from "../stack/stack.ts";
import { isAlive } from "./course.ts";
import { actionId, gatewayName } from "./names.ts";
import { inOrder } from "./order.ts";
import type { Action, Plan } from "./plan.ts";

/** What to take down. */
export type DownInput = Readonly<{
  stackName: string;
  observed: Observed;
  /** Volumes go, too, with all that is in them. */
  volumes: boolean;
  /** Only these services; then the gateway, the networks and the volumes stay. */
  services?: readonly string[];
  /** Gives the order and the grace periods, where the stack file is at hand. */
  stack?: Stack;
}>;

const defaultGraceMs = 10_000;
const lockPrefix = "nexus-lock-";

/** Plans to stop and remove the stack's containers (dependents first, the gateway last), then what they used. */
export function planDown(input: DownInput): Plan {
  const containers = containersToRemove(input);
  const whole = input.services === undefined;
  const actions = inOrder([
    ...containers.flatMap((container) => retire(container, containers, input)),
    ...(whole ? networkActions(containers, input) : []),
    ...(whole && input.volumes ? volumeActions(containers, input) : []),
  ]);
  const warnings = whole && input.volumes ? keptVolumes(input) : [];
  return { stack: input.stackName, actions, recoveries: {}, unchanged: [], warnings };
}

function containersToRemove({
  stackName,
  observed,
  services,
}: DownInput): readonly ObservedContainer[] {
  return observed.containers.filter(
    ({ identity }) =>
      identity?.stack === stackName && (services?.includes(identity.service) ?? true),
  );
}

function retire(
  container: ObservedContainer,
  all: readonly ObservedContainer[],
  input: DownInput,
): readonly Action[] {
  const { name } = container;
  const service = serviceOf(container);
  const base = {
    service,
    container: name,
    because: input.services ? "asked for" : "the stack goes down",
  };
  const before = all.filter((other) => isAlive(other) && stopsBefore(other, container, input));
  const stop = {
    ...base,
    kind: "stop",
    id: actionId("stop", name),
    after: before.map((other) => actionId("stop", other.name)),
    graceMs: graceOf(service, input),
    cost: { cutsStreams: true },
  } as const;
  return [
    ...(isAlive(container) ? [stop] : []),
    { ...base, kind: "remove", id: actionId("remove", name), after: [stop.id] },
  ];
}

function stopsBefore(
  first: ObservedContainer,
  second: ObservedContainer,
  { stack }: DownInput,
): boolean {
  const [a, b] = [serviceOf(first), serviceOf(second)];
  if (a === b) return false;
  if (b === gatewayName) return true;
  const dependent = stack?.services.find(({ name }) => name === a);
  return dependent?.dependsOn.some(({ service }) => service === b) ?? false;
}

function graceOf(service: string, { stack }: DownInput): number {
  const known = stack?.services.find(({ name }) => name === service);
  return known?.kind === "container" ? known.stopGraceMs : defaultGraceMs;
}

function serviceOf({ identity }: ObservedContainer): string {
  return identity?.service ?? "";
}

/** Duplicates of a name, too: all of them are the stack's. */
function networkActions(
  containers: readonly ObservedContainer[],
  { stackName, observed }: DownInput,
): readonly Action[] {
  return observed.networks
    .filter(({ stack }) => stack === stackName)
    .map(({ id, name }) => ({
      kind: "remove-network",
      id: actionId("remove-network", name, id.slice(0, 12)),
      after: containers.map((container) => actionId("remove", container.name)),
      because: "the stack goes down",
      network: name,
      networkId: id,
    }));
}

/** The lock is a volume, too: it goes with the one who holds it. */
function ownVolumes({ stackName, observed }: DownInput): readonly string[] {
  return observed.volumes
    .filter(({ stack, name }) => stack === stackName && !name.startsWith(lockPrefix))
    .map(({ name }) => name);
}

/** Whoever else mounts the volume, running or not. */
function othersWith(volume: string, { observed }: DownInput): readonly ForeignContainer[] {
  return observed.foreign.filter(({ volumes }) => volumes.includes(volume));
}

/** Volumes that are the stack's and stay, because others use them. */
function keptVolumes(input: DownInput): readonly string[] {
  return ownVolumes(input).flatMap((volume) => {
    const [holder] = othersWith(volume, input);
    if (holder === undefined) return [];
    const owner = holder.owner === undefined ? "" : ` of ${holder.owner}`;
    return [`volume ${volume} stays: the container ${holder.name}${owner} uses it, too`];
  });
}

function volumeActions(
  containers: readonly ObservedContainer[],
  input: DownInput,
): readonly Action[] {
  return ownVolumes(input)
    .filter((volume) => othersWith(volume, input).length === 0)
    .map((name) => ({
      kind: "remove-volume",
      id: actionId("remove-volume", name),
      after: containers.map((container) => actionId("remove", container.name)),
      because: "volumes were asked to go, too",
      cost: { destroys: `volume ${name}` },
      volume: name,
    }));
}
