import { describe, expect, test } from "vitest";
import { recordOf } from "../../src/gateway/protocol.ts";
import { ServiceKeyTakenError } from "../../src/plan/errors.ts";
import type { ServiceKey, UpInput } from "../../src/plan/plan.ts";
import { service, stackOf } from "../support/builders.ts";
import { emptyWorld, readinessIn, type World } from "./model.ts";
import { planIn, told, up } from "./scenario.ts";

const file = "/home/me/.nexus/secrets/webui.key";
const webui = service("webui", { gatewayKey: { name: "gateway_key", file } });
const stack = stackOf([webui]);
const key = "nx_of-the-web-ui";
const record = recordOf(
  key,
  { name: "webui", scopes: ["inference"] },
  new Date("2026-01-01T00:00:00Z"),
);
const saved: ServiceKey = { digest: record.digest, saved: true };
const missing: ServiceKey = { digest: record.digest, saved: false };

/** What is known of the service's key, here and at the gateway. */
function knowing(
  own: ServiceKey,
  keys?: UpInput["gateway"]["keys"],
  world: World = emptyWorld,
): Partial<UpInput> {
  const readiness = readinessIn(world);
  const gateway = {
    image: "nexus-gateway:abc",
    ...(readiness && { readiness }),
    ...(keys && { keys }),
  };
  return { serviceKeys: { webui: own }, gateway };
}

const granted = (world: World, overrides: Partial<UpInput>) =>
  planIn(world, stack, overrides).actions.filter(({ kind }) => kind === "grant-key");

describe("a service with a key of the gateway of its own", () => {
  test("gets it before its secrets are written and before it starts, and after the user's own", () => {
    expect(told(emptyWorld, stack, knowing(missing))).toContain(
      "grant-key       .nexus/secrets/webui.key",
    );
    const { actions } = planIn(emptyWorld, stack, knowing(missing));
    const after = new Map(actions.map((action) => [action.id, action.after]));
    expect(after.get("grant-key webui")).toEqual(["await home-gateway-1", "create-key default"]);
    expect(after.get("seed-secrets home-webui-secrets")).toContain("grant-key webui");
    expect(after.get("start home-webui-1")).toContain("grant-key webui");
    expect(actions.find(({ kind }) => kind === "seed-secrets")).toMatchObject({
      secrets: [{ name: "gateway_key", file }],
    });
  });

  test("is left alone while its file and the gateway agree", () => {
    const world = up(stack, knowing(missing));
    expect(planIn(world, stack, knowing(saved, [record], world)).actions).toEqual([]);
  });

  test("is made known again, and not made anew, by a gateway that has lost its keys", () => {
    const world = up(stack, knowing(missing));
    expect(granted(world, knowing(saved, [], world))).toMatchObject([
      { because: "the gateway has to know its key", name: "webui", folder: "/home/me" },
    ]);
    const kinds = planIn(world, stack, knowing(saved, [], world)).actions.map(({ kind }) => kind);
    expect(kinds).toEqual(["grant-key"]);
  });

  test("is replaced when its key was: it has read the old one", () => {
    const world = up(stack, knowing(missing));
    const other = recordOf("nx_rotated", record, new Date());
    const rotated = knowing({ digest: other.digest, saved: true }, [other], world);
    const { actions } = planIn(world, stack, rotated);
    expect(actions.map(({ id }) => id)).toContain("create home-webui-2");
  });

  test("never takes the place of a key that somebody made by hand, and never gets the rights of an administrator", () => {
    const mine = recordOf("nx_mine", { name: "webui", scopes: ["inference"] }, new Date());
    expect(() => planIn(emptyWorld, stack, knowing(missing, [mine]))).toThrow(ServiceKeyTakenError);
    expect(() => planIn(emptyWorld, stack, knowing(saved, [mine]))).toThrow(ServiceKeyTakenError);
    expect(() => planIn(emptyWorld, stack, knowing(missing, [record]))).toThrow(
      ServiceKeyTakenError,
    );
    const admin = { ...record, scopes: ["inference", "admin"] as const };
    expect(() => planIn(emptyWorld, stack, knowing(saved, [admin]))).toThrow(/scope admin/);
  });

  test("has nothing of the key itself in its plan", () => {
    expect(JSON.stringify(planIn(emptyWorld, stack, knowing(missing)))).not.toContain("nx_");
  });
});
