import { describe, expect, test } from "vitest";
import { formatPlan } from "../../src/plan/format.ts";
import { planRestart } from "../../src/plan/plan-restart.ts";
import { observedOf, service, stackOf } from "../support/builders.ts";
import { home, up, withContainer } from "./scenario.ts";

const { observed } = up(home);

describe("restart", () => {
  test("stops and starts the same containers in dependency order, and waits until they are ready", () => {
    const plan = planRestart({ stack: home, observed });
    expect(`\n${formatPlan(plan)}\n`).toMatchInlineSnapshot(`
      "
      ollama
        stop   home-ollama-1              asked for (down meanwhile, cuts open streams)
        start  home-ollama-1              asked for
        await  home-ollama-1 until ready  a start proves nothing

      rag
        stop   home-rag-1                 asked for (down meanwhile, cuts open streams)
        start  home-rag-1                 asked for
        await  home-rag-1 until ready     a start proves nothing

      2 to restart (≈ 2 services down meanwhile)
      "
    `);
    expect(plan.actions.find(({ id }) => id === "stop home-rag-1")?.after).toEqual([
      "await home-ollama-1",
    ]);
  });

  test("finds out whether a service that has GPUs uses them again", () => {
    const asking = stackOf([service("llm", { gpuCheck: { kind: "ollama" } })]);
    const { actions } = planRestart({ stack: asking, observed: up(asking).observed });
    expect(actions.find(({ kind }) => kind === "await")).toMatchObject({
      target: { gpuCheck: { kind: "ollama" } },
    });
  });

  test("of one service leaves the others alone", () => {
    const { actions } = planRestart({ stack: home, observed, services: ["rag"] });
    expect(actions.map(({ id }) => id)).toEqual([
      "stop home-rag-1",
      "start home-rag-1",
      "await home-rag-1",
    ]);
  });

  test("starts what is stopped", () => {
    const stopped = withContainer(up(home), "home-rag-1", { state: "exited" });
    const { actions } = planRestart({ stack: home, observed: stopped.observed, services: ["rag"] });
    expect(actions.map(({ id }) => id)).toEqual(["start home-rag-1", "await home-rag-1"]);
  });

  test("says so when there is nothing to restart", () => {
    const { actions, warnings } = planRestart({
      stack: home,
      observed: observedOf(),
      services: ["rag"],
    });
    expect(actions).toEqual([]);
    expect(warnings).toEqual(["rag has no container: `nexus up` makes one"]);
  });
});
