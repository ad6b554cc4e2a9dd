import { expect, test } from "vitest";
import { applyPlan } from "../../src/apply/apply.ts";
import type { ApplyContext } from "../../src/apply/world.ts";
import type { Action, Plan } from "../../src/plan/plan.ts";

test("a bug in carrying out an action is thrown, and no service is reported as ready", async () => {
  const update: Action = {
    id: "update home-web-1",
    after: [],
    because: "its limits changed",
    service: "web",
    kind: "update",
    container: "home-web-1",
  };
  const bug = new TypeError("not a function");
  const plan: Plan = {
    stack: "home",
    actions: [update],
    recoveries: {},
    unchanged: [],
    warnings: [],
  };

  await expect(applyPlan(plan, contextWith(bug), () => undefined)).rejects.toBe(bug);
});

/** An engine whose only container cannot be updated, because of this error. */
function contextWith(error: Error): ApplyContext {
  const update = () => Promise.reject(error);
  const containers = [{ name: "home-web-1", id: "1" }];
  return {
    engine: { containers: { update } },
    observed: { containers, networks: [] },
    signal: new AbortController().signal,
  } as unknown as ApplyContext;
}
