import { describe, expect, test } from "vitest";
import { clientsOf, unseenWarning } from "../../src/plan/clients.ts";
import { gatewayConfig } from "../../src/plan/gateway-config.ts";
import { gatewayConfigSchema } from "../../src/gateway/config.ts";
import { engineDescription, service, stackOf, upInput } from "../support/builders.ts";
import { planUp } from "../../src/plan/plan-up.ts";
import { readinessIn } from "./model.ts";
import { planIn, up } from "./scenario.ts";

const plain = stackOf([service("web")]);
const on = (host: string) => ({ ...plain, gateway: { ...plain.gateway, host } });

describe("what the gateway can know of its clients", () => {
  test("is that they are on this machine wherever it listens on a loopback address", () => {
    for (const host of ["127.0.0.1", "127.0.0.53", "::1"]) {
      for (const odd of [{}, { rootless: true }, { virtualMachine: true }, { local: false }]) {
        expect(clientsOf(on(host), engineDescription(odd))).toBe("here");
      }
    }
  });

  test("is their address where the engine of this machine passes it on, which it does for IPv4", () => {
    expect(clientsOf(on("0.0.0.0"), engineDescription())).toBe("seen");
    expect(clientsOf(on("192.168.1.5"), engineDescription())).toBe("seen");
    expect(clientsOf(on("::"), engineDescription())).toBeUndefined();
  });

  test("is nothing behind engines that take connections themselves", () => {
    for (const odd of [{ rootless: true }, { virtualMachine: true }, { local: false }]) {
      expect(clientsOf(on("0.0.0.0"), engineDescription(odd))).toBeUndefined();
    }
  });

  test("is told to it, and a configuration without it stays valid", () => {
    const config = gatewayConfig(plain, {}, { clients: "seen" });
    expect(gatewayConfigSchema.parse(config)).toMatchObject({ clients: "seen" });
    expect(gatewayConfigSchema.parse(gatewayConfig(plain, {}))).not.toHaveProperty("clients");
    const configured = planIn(up(plain), on("0.0.0.0")).actions.find(
      ({ kind }) => kind === "configure",
    );
    expect(configured).toMatchObject({ config: { clients: "seen" } });
  });
});

describe("keys that are limited to addresses that cannot be seen", () => {
  test("are warned of when the stack comes up, and only then", () => {
    const world = up(plain);
    const readiness = { ...readinessIn(world), keys_from_addresses: 2 };
    const gateway = { image: "nexus-gateway:abc", readiness } as const;
    const warned = (host: string, engine = {}) =>
      planUp(
        upInput(on(host), {
          observed: world.observed,
          engine: engineDescription(engine),
          gateway: gateway as never,
        }),
      ).warnings;
    expect(warned("0.0.0.0", { rootless: true })).toEqual([
      expect.stringMatching(/^2 keys are limited to addresses and refused: .*gateway\.host/),
    ]);
    expect(warned("0.0.0.0")).toEqual([]);
    expect(warned("127.0.0.1", { rootless: true })).toEqual([]);
  });

  test("are told by their number", () => {
    expect(unseenWarning(undefined, { keys_from_addresses: 1 })).toMatch(/^1 key is limited/);
    expect(unseenWarning(undefined, undefined)).toBeUndefined();
    expect(unseenWarning("seen", { keys_from_addresses: 1 })).toBeUndefined();
  });
});
