import { describe, expect, test } from "vitest";
import { formatPlan } from "../../src/plan/format.ts";
import { planDown } from "../../src/plan/plan-down.ts";
import { container, foreign, network, volume } from "../support/builders.ts";
import { appliedAll } from "./model.ts";
import { home, up, withContainer } from "./scenario.ts";

const world = up(home);
const { observed } = world;
const down = { stackName: "home", observed, volumes: false };

describe("down", () => {
  test("stops everything, the gateway last, and keeps the volumes, without a stack file", () => {
    expect(`\n${formatPlan(planDown(down))}\n`).toMatchInlineSnapshot(`
      "
      shared
        remove-network  home            the stack goes down

      gateway
        stop            home-gateway-1  the stack goes down (cuts open streams)
        remove          home-gateway-1  the stack goes down

      ollama
        stop            home-ollama-1   the stack goes down (cuts open streams)
        remove          home-ollama-1   the stack goes down

      rag
        stop            home-rag-1      the stack goes down (cuts open streams)
        remove          home-rag-1      the stack goes down

      3 to remove
      "
    `);
  });

  test("stops dependents before what they depend on, when the stack is known", () => {
    const { actions } = planDown({ ...down, stack: home });
    expect(actions.find(({ id }) => id === "stop home-ollama-1")?.after).toEqual([
      "stop home-rag-1",
    ]);
    expect(actions.find(({ id }) => id === "stop home-gateway-1")?.after).toEqual([
      "stop home-ollama-1",
      "stop home-rag-1",
    ]);
  });

  test("removes volumes only when asked, and says what that destroys", () => {
    const { actions } = planDown({ ...down, volumes: true });
    const losses = actions.flatMap(({ cost }) => cost?.destroys ?? []);
    expect(losses).toEqual(["volume home_ollama", "volume home-gateway"]);
    const left = appliedAll(world, actions).observed;
    expect([left.containers, left.networks, left.volumes]).toEqual([[], [], []]);
  });

  test("keeps a volume that somebody else uses, too, and says who", () => {
    const theirs = foreign("work-ollama-1", { owner: "work", volumes: ["home_ollama"] });
    const shared = { ...observed, foreign: [{ ...theirs, running: false }] };
    const { actions, warnings } = planDown({ ...down, observed: shared, volumes: true });
    expect(actions.flatMap(({ cost }) => cost?.destroys ?? [])).toEqual(["volume home-gateway"]);
    expect(warnings).toEqual([
      "volume home_ollama stays: the container work-ollama-1 of work uses it, too",
    ]);
    expect(planDown({ ...down, observed: shared }).warnings).toEqual([]);
  });

  test("touches nothing of others, and not the lock", () => {
    const others = {
      ...observed,
      containers: [container("web", { identity: { stack: "work" } })],
      networks: [network("home", { stack: "work" })],
      volumes: [volume("data", { stack: "work" }), volume("nexus-lock-home")],
    };
    expect(planDown({ ...down, observed: others, volumes: true }).actions).toEqual([]);
  });

  test("removes duplicates of a network, too", () => {
    const networks = [network("home"), network("home", { id: "net-twin" })];
    const { actions } = planDown({ ...down, observed: { ...observed, networks } });
    const removed = actions.flatMap((action) =>
      action.kind === "remove-network" ? [action.networkId] : [],
    );
    expect(removed).toEqual(["net-home", "net-twin"]);
  });

  test("stops nothing that is stopped", () => {
    const stopped = withContainer(world, "home-rag-1", { state: "exited" });
    const { actions } = planDown({ ...down, observed: stopped.observed });
    expect(actions.map(({ id }) => id)).not.toContain("stop home-rag-1");
  });

  test("of some services leaves the rest, the networks and the gateway alone", () => {
    const { actions } = planDown({ ...down, services: ["rag"], volumes: true });
    expect(actions.map(({ id }) => id)).toEqual(["stop home-rag-1", "remove home-rag-1"]);
  });
});
