/** The plan for `restart`: the same containers, stopped and started again in dependency order. */
import type { Observed, ObservedContainer } from "../engine/engine.ts";
import type { ContainerService, Stack } from "../stack/stack.ts";
import { isAlive } from "./course.ts";
import { upstreamOf } from "./gateway-config.ts";
import { readyGate } from "./gates.ts";
import { actionId } from "./names.ts";
import { inOrder } from "./order.ts";
import type { Action, AwaitTarget, Plan } from "./plan.ts";

/** What to restart. */
export type RestartInput = Readonly<{
  stack: Stack;
  observed: Observed;
  /** All container services but jobs, when empty or undefined. The gateway is never among them. */
  services?: readonly string[];
}>;

/** Plans it; services that have no container are left alone with a warning, which says that `nexus up` makes one. */
export function planRestart(input: RestartInput): Plan {
  const { services = [] } = input;
  const chosen = input.stack.services
    .filter((service) => service.kind === "container")
    .filter((service) =>
      services.length > 0 ? services.includes(service.name) : !service.oneShot,
    );
  const pairs = chosen.map((service) => ({ service, container: newest(service, input.observed) }));
  const actions = pairs.flatMap(({ service, container }) =>
    container ? restart(service, container, input) : [],
  );
  return {
    stack: input.stack.name,
    actions: inOrder(actions),
    recoveries: {},
    unchanged: [],
    warnings: [
      ...elsewhere(input),
      ...pairs
        .filter(({ container }) => !container)
        .map(({ service }) => `${service.name} has no container: \`nexus up\` makes one`),
    ],
  };
}

/** Services that were named and are none of ours to restart. */
function elsewhere({ stack, services = [] }: RestartInput): readonly string[] {
  return stack.services
    .filter(({ kind, name }) => kind === "external" && services.includes(name))
    .map(({ name }) => `${name} is external: it is restarted where it runs`);
}

/** The container that runs, else the newest generation. */
function newest(
  { name }: ContainerService,
  { containers }: Observed,
): ObservedContainer | undefined {
  const generation = ({ identity }: ObservedContainer) => identity?.generation ?? 0;
  const own = containers
    .filter((container) => container.identity?.service === name && generation(container) > 0)
    .toSorted((a, b) => generation(b) - generation(a));
  return own.find(isAlive) ?? own[0];
}

function restart(
  service: ContainerService,
  container: ObservedContainer,
  { stack, observed }: RestartInput,
): readonly Action[] {
  const { name } = container;
  const base = { service: service.name, container: name, because: "asked for" };
  const after = service.dependsOn.flatMap(({ service: dependency }) =>
    gateOf(dependency, stack, observed),
  );
  const stop = {
    ...base,
    kind: "stop",
    id: actionId("stop", name),
    after,
    graceMs: service.stopGraceMs,
    cost: { downtime: true, cutsStreams: true },
  } as const;
  const start = {
    ...base,
    kind: "start",
    id: actionId("start", name),
    after: [...after, stop.id],
  } as const;
  const target = targetOf(service, name);
  const because = "a start proves nothing";
  return [
    ...(isAlive(container) ? [stop] : []),
    start,
    { ...base, kind: "await", id: readyGate(name), after: [start.id], because, target },
  ];
}

function gateOf(dependency: string, stack: Stack, observed: Observed): readonly string[] {
  const service = stack.services.find(({ name }) => name === dependency);
  const container = service?.kind === "container" ? newest(service, observed) : undefined;
  return container ? [readyGate(container.name)] : [];
}

function targetOf(service: ContainerService, container: string): AwaitTarget {
  const upstream = upstreamOf(service, container);
  const { ready: level, stallTimeoutMs, stableMs, oneShot, gpuCheck } = service;
  return {
    level,
    ...(upstream && { upstream }),
    stallTimeoutMs,
    stableMs,
    oneShot,
    ...(gpuCheck && { gpuCheck }),
  };
}
