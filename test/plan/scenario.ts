/** Tells stories about one stack: what is planned when it is brought up in a world. */
import { formatPlan } from "../../src/plan/format.ts";
import { planUp } from "../../src/plan/plan-up.ts";
import type { Plan, UpInput } from "../../src/plan/plan.ts";
import type { ObservedContainer } from "../../src/engine/engine.ts";
import type { Stack } from "../../src/stack/stack.ts";
import { engineDescription, gpu, service, stackOf, upInput } from "../support/builders.ts";
import { appliedAll, emptyWorld, readinessIn, type World } from "./model.ts";

/** What `up` plans for the stack in this world. */
export function planIn(world: World, stack: Stack, overrides: Partial<UpInput> = {}): Plan {
  const readiness = readinessIn(world);
  const gateway = { image: "nexus-gateway:abc", ...(readiness && { readiness }) };
  return planUp(upInput(stack, { observed: world.observed, gateway, ...overrides }));
}

/** The same, as people read it. */
export function told(world: World, stack: Stack, overrides: Partial<UpInput> = {}): string {
  return `\n${formatPlan(planIn(world, stack, overrides))}\n`;
}

/** The world in which the stack is up. */
export function up(
  stack: Stack,
  overrides: Partial<UpInput> = {},
  world: World = emptyWorld,
): World {
  return appliedAll(world, planIn(world, stack, overrides).actions);
}

/** The world with one of its containers changed. */
export function withContainer(
  world: World,
  name: string,
  change: Partial<ObservedContainer>,
): World {
  const containers = world.observed.containers.map((it) =>
    it.name === name ? { ...it, ...change } : it,
  );
  return { ...world, observed: { ...world.observed, containers } };
}

/** An engine with these GPUs of 24 GiB. */
export function withGpus(...ids: readonly string[]): Pick<UpInput, "engine" | "gpus"> {
  return { engine: engineDescription({ gpuKinds: ["nvidia"] }), gpus: ids.map((id) => gpu(id)) };
}

/** A model store with two models, on a volume of its own. */
export const ollama = service("ollama", {
  modelPull: "ollama",
  models: ["llama3.2:3b", "nomic-embed-text"],
  mounts: [
    {
      kind: "volume",
      source: "home_ollama",
      target: "/root/.ollama",
      readOnly: false,
      external: false,
    },
  ],
});
/** That, and a service that needs it. */
export const home = stackOf(
  [ollama, service("rag", { dependsOn: [{ service: "ollama", condition: "ready" }] })],
  {
    volumes: [{ name: "home_ollama", key: "ollama", external: false, driverOpts: {} }],
  },
);
