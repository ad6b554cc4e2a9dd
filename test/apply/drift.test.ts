import { expect, test } from "vitest";
import { driftOf } from "../../src/apply/drift.ts";
import { planUp } from "../../src/plan/plan-up.ts";
import type { ContainerService } from "../../src/stack/stack.ts";
import { container, external, service, stackOf, upInput } from "../support/builders.ts";

/** The container that `up` would make of a service. */
function made(wanted: ContainerService) {
  const { actions } = planUp(upInput(stackOf([wanted])));
  const create = actions.find(
    (action) => action.kind === "create" && action.container.identity.service === wanted.name,
  );
  if (create?.kind !== "create") throw new Error("no create");
  const { identity, image } = create.container;
  return container(wanted.name, { identity, image });
}

test.each([
  ["a plain service", service("llm")],
  ["one without a way out", service("llm", { egress: false })],
  [
    "one with volumes, limits and a user",
    service("llm", { user: "1000", limits: { pids: 9, memoryBytes: 1e9 } }),
  ],
])("what up made of %s does not differ from its stack file", (_, wanted) => {
  expect(driftOf("home", wanted, made(wanted))).toBeUndefined();
});

test("a changed setting, a changed image and a missing container are told apart", () => {
  const wanted = service("llm");
  const old = made(wanted);
  expect(driftOf("home", { ...wanted, environment: { DEBUG: "1" } }, old)).toBe(
    "settings differ from nexus.yaml",
  );
  const newer = service("llm", { image: { kind: "pull", ref: "llm:2", pullPolicy: "missing" } });
  expect(driftOf("home", newer, old)).toBe("nexus.yaml has image llm:2");
  expect(driftOf("home", wanted, undefined)).toBe("in nexus.yaml, not on the engine");
  expect(driftOf("home", external("mac"), undefined)).toBeUndefined();
});

test("limits change in place, so they are no difference that recreates", () => {
  const wanted = service("llm");
  expect(driftOf("home", { ...wanted, limits: { pids: 7 } }, made(wanted))).toBeUndefined();
});
