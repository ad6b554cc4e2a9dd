import { describe, expect, test } from "vitest";
import type { Action } from "../../src/plan/plan.ts";
import { container, job, service, stackOf } from "../support/builders.ts";
import { appliedAll, type World } from "./model.ts";
import { planIn, told, up, withContainer } from "./scenario.ts";

const one = stackOf([service("web")]);
const two = stackOf([
  service("web", { image: { kind: "pull", ref: "web:2", pullPolicy: "missing" } }),
]);

/** The world after a plan was killed when it had done the action of this id. */
function killedAfter(world: World, actions: readonly Action[], id: string): World {
  return appliedAll(world, actions.slice(0, actions.findIndex((action) => action.id === id) + 1));
}

const world = up(one);
const update = planIn(world, two).actions;

describe("a container that was left behind", () => {
  test("is started when it never was", () => {
    const left = withContainer(world, "home-web-1", {
      state: "created",
      startedAt: "",
      restart: { name: "no" },
    });
    expect(told(left, one)).toMatchInlineSnapshot(`
      "
      web
        start   home-web-1                    an interrupted run left it unstarted
        await   home-web-1 until ready        a start proves nothing
        update  restart policy of home-web-1  restart policy unless-stopped from now on

      1 to start
      "
    `);
  });

  test.each([
    ["it exited with code 3", { state: "exited", exitCode: 3 }],
    ["it ran out of memory", { state: "exited", exitCode: 137, oomKilled: true }],
  ] as const)("is started again when %s", (because, change) => {
    const plan = planIn(withContainer(world, "home-web-1", change), one);
    expect(plan.actions.find(({ id }) => id === "start home-web-1")).toMatchObject({ because });
  });

  test("is stopped and started when somebody paused it", () => {
    expect(told(withContainer(world, "home-web-1", { state: "paused" }), one))
      .toMatchInlineSnapshot(`
      "
      web
        stop   home-web-1              it is paused
        start  home-web-1              it is paused
        await  home-web-1 until ready  a start proves nothing

      1 to restart
      "
    `);
  });

  test("is asked about when it restarts again and again", () => {
    expect(told(withContainer(world, "home-web-1", { state: "restarting" }), one))
      .toMatchInlineSnapshot(`
        "
        web
          await  home-web-1 until ready  it restarts again and again

        1 to wait for
        "
      `);
  });

  test("is asked about when it runs and was never seen ready", () => {
    const plan = planIn(withContainer(world, "home-web-1", { restart: { name: "no" } }), one);
    expect(plan.actions.map(({ id }) => id)).toEqual([
      "await home-web-1",
      "update home-web-1 restart",
    ]);
  });

  test("is made anew when the engine refused to start it, and its words are repeated", () => {
    const refused = withContainer(world, "home-web-1", {
      state: "created",
      error: "no such device",
    });
    expect(told(refused, one)).toMatchInlineSnapshot(`
      "
      gateway
        configure  1 upstream                    services, models or aliases changed

      web
        create     home-web-2                    its container did not start: no such device
        start      home-web-2                    its container did not start: no such device
        await      home-web-2 until ready        a start proves nothing
        remove     home-web-1                    home-web-2 takes its place
        update     restart policy of home-web-2  restart policy unless-stopped from now on

      1 to replace; configures the gateway
      "
    `);
  });

  test("is made anew when the engine calls it dead", () => {
    const plan = planIn(withContainer(world, "home-web-1", { state: "dead" }), one);
    expect(plan.actions.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["create home-web-2", "remove home-web-1"]),
    );
  });

  test("is connected again when it lost its network, or its name there", () => {
    const lost = withContainer(world, "home-web-1", { networks: [] });
    expect(told(lost, one)).toMatchInlineSnapshot(`
      "
      web
        connect  home-web-1 to home      it is not in this network
        await    home-web-1 until ready  it was out of reach

      1 to change in place
      "
    `);
    const nameless = withContainer(world, "home-web-1", {
      networks: [{ id: "net-home", name: "home", aliases: [] }],
    });
    expect(told(nameless, one)).toMatchInlineSnapshot(`
      "
      web
        connect  home-web-1 to home      it lost its name in this network (cuts open streams)
        await    home-web-1 until ready  it was out of reach

      1 to change in place
      "
    `);
  });

  test("is started on the network that was made anew under its name", () => {
    const { networks: _gone, ...observed } = world.observed;
    const bare = { ...world, observed: { ...observed, networks: [] } };
    const stopped = withContainer(bare, "home-web-1", { state: "exited" });
    const start = planIn(stopped, one).actions.find(({ id }) => id === "start home-web-1");
    expect(start?.after).toContain("create-network home");
  });

  test("is left alone when a newer Nexus made it", () => {
    const identity = {
      ...container("web").identity,
      stack: "home",
      service: "web",
      role: "service",
      generation: 1,
      configHash: "99-abc",
      version: "9.0.0",
    } as const;
    const plan = planIn(withContainer(world, "home-web-1", { identity }), two);
    expect(plan).toMatchObject({
      actions: [],
      warnings: ["home-web-1 was made by a newer Nexus and is left as it is"],
    });
  });
});

describe("a replacement that was interrupted", () => {
  test("goes on with the new container that is there", () => {
    expect(told(killedAfter(world, update, "create home-web-2"), two)).toMatchInlineSnapshot(`
      "
      gateway
        configure  1 upstream                    replacements are switched to from here

      web
        start      home-web-2                    an interrupted run left it unstarted
        await      home-web-2 until ready        a start proves nothing
        connect    home-web-2 to home            it answers to web from now on
        switch     to http://home-web-2:8000     home-web-2 is ready
        drain      http://home-web-1:8000        open requests end where they began
        stop       home-web-1                    home-web-2 serves in its place
        remove     home-web-1                    home-web-2 serves in its place
        update     restart policy of home-web-2  restart policy unless-stopped from now on

      1 to start; configures the gateway
      "
    `);
  });

  test("clears the old one away when the gateway has switched", () => {
    expect(told(killedAfter(world, update, "switch web"), two)).toMatchInlineSnapshot(`
      "
      web
        await   home-web-2 until ready        it has to serve before others go
        stop    home-web-1                    an interrupted run left it behind
        remove  home-web-1                    an interrupted run left it behind
        update  restart policy of home-web-2  restart policy unless-stopped from now on

      1 to change in place
      "
    `);
  });

  test("goes back when the stack did, and the new one goes", () => {
    expect(told(killedAfter(world, update, "start home-web-2"), one)).toMatchInlineSnapshot(`
      "
      web
        await   home-web-1 until ready  it has to serve before others go
        stop    home-web-2              an interrupted run left it behind
        remove  home-web-2              an interrupted run left it behind

      1 to wait for
      "
    `);
  });

  test("does not remove the stopped old one before the new one is ready, and can put it back", () => {
    const ports = [
      { hostIp: "127.0.0.1", hostPort: 3000, containerPort: 80, protocol: "tcp" },
    ] as const;
    const before = stackOf([service("web", { ports })]);
    const after = stackOf([service("web", { ports, environment: { NEW: "1" } })]);
    const first = up(before);
    const killed = killedAfter(first, planIn(first, after).actions, "stop home-web-1");
    const plan = planIn(killed, after);
    expect(plan.actions.find(({ id }) => id === "remove home-web-1")?.after).toContain(
      "await home-web-2",
    );
    expect(plan.recoveries["web"]?.map(({ id }) => id)).toContain("start home-web-1");
  });

  test("never reuses the number of a generation", () => {
    const crashed = withContainer(killedAfter(world, update, "start home-web-2"), "home-web-2", {
      state: "dead",
    });
    const created = planIn(crashed, two).actions.find(({ kind }) => kind === "create");
    expect(created?.id).toBe("create home-web-3");
  });

  test("takes the carrier of secrets for the leftover that it is", () => {
    const carrier = container("web", {
      identity: { role: "job", generation: 0, configHash: "0-carrier" },
      name: "home-web-secrets-carrier",
      state: "created",
    });
    const left = {
      ...world,
      observed: { ...world.observed, containers: [...world.observed.containers, carrier] },
    };
    const plan = planIn(left, one);
    expect(plan.actions.map(({ id }) => id)).toEqual([
      "await home-web-1",
      "remove home-web-secrets-carrier",
    ]);
  });
});

test("a job that became a service is not run again as a job when the service fails", () => {
  const plan = planIn(up(stackOf([job("web")])), one);
  expect(plan.recoveries).toEqual({});
});
