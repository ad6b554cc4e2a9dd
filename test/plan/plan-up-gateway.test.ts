import { describe, expect, test } from "vitest";
import { service, stackOf } from "../support/builders.ts";
import { readinessIn } from "./model.ts";
import { planIn, told, up } from "./scenario.ts";

describe("the gateway", () => {
  test("is replaced when its image changes, which cuts what streams, and everything is asked anew", () => {
    const stack = stackOf([service("web")]);
    const world = up(stack);
    const readiness = readinessIn(world);
    const gateway = { image: "nexus-gateway:def", ...(readiness && { readiness }) };
    expect(told(world, stack, { gateway })).toMatchInlineSnapshot(`
      "
      gateway
        build-gateway  nexus-gateway:def                 it is not on this engine yet
        create         home-gateway-2                    image nexus-gateway:abc → nexus-gateway:def
        stop           home-gateway-1                    home-gateway-2 replaces it, and both publish port 8800 (down meanwhile, cuts open streams)
        start          home-gateway-2                    image nexus-gateway:abc → nexus-gateway:def
        await          home-gateway-2 until ready        a start proves nothing
        update         restart policy of home-gateway-2  restart policy unless-stopped from now on
        configure      1 upstream                        it has to know the services
        remove         home-gateway-1                    home-gateway-2 serves in its place

      web
        await          home-web-1 until ready            the gateway has not judged it by this configuration

      1 to replace (≈ 1 service down meanwhile), 1 to wait for; builds 1 image
      "
    `);
  });

  test("joins the network without a way out while it runs", () => {
    const before = stackOf([service("web")]);
    const after = stackOf([service("web"), service("ocr", { egress: false })]);
    const plan = planIn(up(before), after);
    expect(
      plan.actions.filter(({ service: whose }) => whose === "gateway").map(({ id }) => id),
    ).toEqual([
      "connect home-gateway-1 home-internal as gateway",
      "await home-gateway-1",
      "configure gateway",
    ]);
    expect(plan.actions.find(({ id }) => id === "await home-ocr-1")?.after).toContain(
      "await home-gateway-1",
    );
  });
});
