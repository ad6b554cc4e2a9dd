import { describe, expect, test } from "vitest";
import { external, service, stackOf } from "../support/builders.ts";
import { home, planIn, told, up } from "./scenario.ts";

describe("a service that leaves", () => {
  test("is drained, stopped and removed, and its volume stays", () => {
    expect(told(up(home), { ...home, services: home.services.slice(0, 1) })).toMatchInlineSnapshot(`
      "
      gateway
        configure  1 upstream                 services, models or aliases changed

      ollama
        await      home-ollama-1 until ready  the gateway has not judged it by this configuration

      rag
        drain      http://home-rag-1:8000     the service is no longer in the stack
        stop       home-rag-1                 the service is no longer in the stack
        remove     home-rag-1                 the service is no longer in the stack

      1 to wait for, 1 to remove; configures the gateway
      "
    `);
  });

  test("makes way for an endpoint of the same name", () => {
    const plan = planIn(up(stackOf([service("web")])), stackOf([external("web")]));
    expect(plan.actions.find(({ id }) => id === "stop home-web-1")?.because).toBe(
      "the service is external now",
    );
  });

  test("frees its port once the one who gets it is there, and before that one starts", () => {
    const ports = [
      { hostIp: "0.0.0.0", hostPort: 3000, containerPort: 3000, protocol: "tcp" },
    ] as const;
    const plan = planIn(
      up(stackOf([service("old", { ports })])),
      stackOf([service("new", { ports })]),
    );
    const after = Object.fromEntries(plan.actions.map((action) => [action.id, action.after]));
    expect(after["stop home-old-1"]).toEqual(["create home-new-1"]);
    expect(after["start home-new-1"]).toContain("stop home-old-1");
  });

  test("lets go of its volume before the one who gets it starts, as under a new name", () => {
    const mounts = [
      { kind: "volume", source: "home_notes", target: "/data", readOnly: false, external: false },
    ] as const;
    const volumes = [{ name: "home_notes", key: "notes", external: false, driverOpts: {} }];
    const before = stackOf([service("old", { mounts })], { volumes });
    const after = stackOf([service("new", { mounts })], { volumes });
    expect(told(up(before), after)).toMatchInlineSnapshot(`
      "
      gateway
        configure  1 upstream                    services, models or aliases changed

      new
        pull       new:1                         it is not on this engine yet (downloads)
        create     home-new-1                    it has no container yet
        start      home-new-1                    it has no container yet
        await      home-new-1 until ready        a start proves nothing
        update     restart policy of home-new-1  restart policy unless-stopped from now on

      old
        stop       home-old-1                    the service is no longer in the stack
        remove     home-old-1                    the service is no longer in the stack

      1 to create, 1 to remove; pulls 1 image; configures the gateway
      "
    `);
  });
});
