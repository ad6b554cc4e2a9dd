import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Action, Plan } from "../../src/plan/plan.ts";
import type { ContainerService, Service, Stack } from "../../src/stack/stack.ts";
import { external, gib, job, service, stackOf } from "../support/builders.ts";
import { applied, appliedAll, readinessIn, running, type World } from "./model.ts";
import { planIn, up, withGpus } from "./scenario.ts";

const machine = withGpus("GPU-1", "GPU-2");
const names = ["a", "b", "c", "d"] as const;

/** What varies between two versions of one service. */
const traits = fc.record({
  kind: fc.constantFrom("service", "service", "service", "worker", "job", "external", "absent"),
  image: fc.constantFrom("x:1", "x:2"),
  value: fc.constantFrom("1", "2"),
  volume: fc.boolean(),
  gpus: fc.constantFrom("none", "auto"),
  vram: fc.constantFrom(undefined, 8 * gib),
  egress: fc.boolean(),
  memoryBytes: fc.constantFrom(undefined, gib, 2 * gib),
  restart: fc.constantFrom("unless-stopped", "no"),
  models: fc.constantFrom([], ["m"], ["m", "n:1"]),
  secret: fc.boolean(),
  dependsOn: fc.array(fc.nat(2), { maxLength: 2 }),
} as const);

type Traits = typeof traits extends fc.Arbitrary<infer Value> ? Value : never;

const stacks: fc.Arbitrary<Stack> = fc
  .tuple(
    fc.tuple(traits, traits, traits, traits),
    fc.shuffledSubarray([5001, 5002, 0, 0], { minLength: 4 }),
    fc.shuffledSubarray([...names], { minLength: 4 }),
  )
  .map(([all, ports, stores]) => {
    const present = all.map((each, index) => ({
      ...each,
      name: names[index] ?? "",
      store: stores[index] ?? "",
      port: ports[index] ?? 0,
    }));
    const services = present.flatMap((each, index) => serviceOf(each, present.slice(0, index)));
    return stackOf(services, {
      volumes: names.map((key) => ({ name: `home_${key}`, key, external: false, driverOpts: {} })),
    });
  });

type Named = Traits & Readonly<{ name: string; store: string; port: number }>;

function serviceOf(it: Named, before: readonly Named[]): Service[] {
  if (it.kind === "absent") return [];
  const dependsOn = [...new Set(it.dependsOn)].flatMap((index) => {
    const other = before[index];
    if (!other || other.kind === "absent") return [];
    return [
      { service: other.name, condition: other.kind === "job" ? "completed" : "ready" } as const,
    ];
  });
  if (it.kind === "external") return [external(it.name, { dependsOn })];
  return [containerOf(it, { dependsOn })];
}

function containerOf(it: Named, more: Partial<ContainerService>): ContainerService {
  const common: Partial<ContainerService> = {
    ...more,
    image: { kind: "pull", ref: it.image, pullPolicy: "missing" },
    environment: { VALUE: it.value },
    mounts: it.volume
      ? [
          {
            kind: "volume",
            source: `home_${it.store}`,
            target: "/data",
            readOnly: false,
            external: false,
          },
        ]
      : [],
    ports:
      it.port === 0
        ? []
        : [{ hostIp: "127.0.0.1", hostPort: it.port, containerPort: 1, protocol: "tcp" }],
    gpus: { kind: it.gpus },
    ...(it.vram !== undefined && { vramBytes: it.vram }),
    egress: it.egress,
    limits: { pids: 512, ...(it.memoryBytes !== undefined && { memoryBytes: it.memoryBytes }) },
    secrets: it.secret ? [{ name: "key", file: "/home/me/.nexus/secrets/key" }] : [],
  };
  if (it.kind === "job") return job(it.name, common);
  const {
    port: _port,
    probe: _probe,
    ...worker
  } = service(it.name, { ...common, ready: "running" });
  if (it.kind === "worker") return { ...worker, restart: { name: it.restart } };
  return service(it.name, {
    ...common,
    models: it.models,
    modelPull: "ollama",
    restart: { name: it.restart },
  });
}

/** A random order that respects `after`, steered by `choices`. */
function anyOrder({ actions }: Plan, choices: readonly number[]): readonly Action[] {
  const waiting = [...actions];
  const done = new Set<string>();
  return actions.map((_, step) => {
    const free = waiting.filter(({ after }) => after.every((id) => done.has(id)));
    const action = free[(choices[step % choices.length] ?? 0) % free.length];
    if (!action) throw new Error("the plan has a cycle");
    waiting.splice(waiting.indexOf(action), 1);
    done.add(action.id);
    return action;
  });
}

const choices = fc.array(fc.nat(1000), { minLength: 1, maxLength: 30 });

/** What is left to do, and the services that have other than one container: nothing and none. */
function unsettled(world: World, stack: Stack): readonly unknown[] {
  const plan = planIn(world, stack, machine);
  const wanted = stack.services.filter(({ kind }) => kind === "container").map(({ name }) => name);
  const there = world.observed.containers.map(({ identity }) => identity?.service);
  const uneven = ["gateway", ...wanted].filter(
    (name) => there.filter((it) => it === name).length !== 1,
  );
  const strangers = there.filter((name) => name !== "gateway" && !wanted.includes(name ?? ""));
  return [...plan.actions, ...uneven, ...strangers];
}

describe("every plan", { timeout: 60_000 }, () => {
  test("is in an executable order, has unique ids, and waits only for actions of its own", () => {
    fc.assert(
      fc.property(stacks, stacks, (before, after) => {
        const { actions } = planIn(up(before, machine), after, machine);
        const ids = actions.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const [index, action] of actions.entries()) {
          expect(ids.slice(0, index)).toEqual(expect.arrayContaining([...action.after]));
        }
      }),
    );
  });

  test("starts and awaits every container that it creates", () => {
    fc.assert(
      fc.property(stacks, stacks, (before, after) => {
        const { actions } = planIn(up(before, machine), after, machine);
        for (const created of actions.filter(({ kind }) => kind === "create")) {
          const name = created.kind === "create" ? created.container.name : "";
          const start = actions.find(({ id }) => id === `start ${name}`);
          const wait = actions.find(({ id }) => id === `await ${name}`);
          expect(start?.after).toContain(created.id);
          expect(wait).toBeDefined();
        }
      }),
    );
  });

  test("leaves nothing to plan once it is applied, in whatever order", () => {
    fc.assert(
      fc.property(stacks, stacks, choices, (before, after, steering) => {
        const first = up(before, machine);
        expect(unsettled(first, before)).toEqual([]);
        const world = appliedAll(first, anyOrder(planIn(first, after, machine), steering));
        expect(unsettled(world, after)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("is finished by the next one when it was killed at any point, and no volume is lost", () => {
    fc.assert(
      fc.property(stacks, stacks, choices, fc.nat(1000), (before, after, steering, cut) => {
        const first = up(before, machine);
        const order = anyOrder(planIn(first, after, machine), steering);
        const killed = appliedAll(first, order.slice(0, cut % (order.length + 1)));
        const repaired = up(after, machine, killed);
        expect(unsettled(repaired, after)).toEqual([]);
        const volumes = repaired.observed.volumes.map(({ name }) => name);
        expect(volumes).toEqual(
          expect.arrayContaining(first.observed.volumes.map(({ name }) => name)),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("can be taken back to where it came from after it was killed at any point", () => {
    fc.assert(
      fc.property(stacks, stacks, choices, fc.nat(1000), (before, after, steering, cut) => {
        const first = up(before, machine);
        const order = anyOrder(planIn(first, after, machine), steering);
        const killed = appliedAll(first, order.slice(0, cut % (order.length + 1)));
        expect(unsettled(up(before, machine, killed), before)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("never leaves a service unserved that it replaces without downtime", () => {
    fc.assert(
      fc.property(stacks, stacks, choices, (before, after, steering) => {
        const first = up(before, machine);
        const plan = planIn(first, after, machine);
        const gatewayStays = !plan.actions.some(
          ({ service: name, kind }) => name === "gateway" && kind === "create",
        );
        const down = new Set(
          plan.actions.filter(({ cost }) => cost?.downtime).map(({ service: name }) => name),
        );
        const spared = Object.keys(plan.recoveries).filter(
          (name) => !down.has(name) && serves(first, name),
        );
        let world = first;
        for (const action of anyOrder(plan, steering)) {
          world = applied(world, action);
          for (const name of gatewayStays ? spared : []) expect(serves(world, name)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Where the gateway sends its requests something runs; a service it knows nothing of just has to run. */
function serves(world: World, name: string): boolean {
  const routed = readinessIn(world)?.services.find(({ id }) => id === name);
  return routed
    ? routed.state === "ready"
    : running(world).some(({ identity }) => identity?.service === name);
}
