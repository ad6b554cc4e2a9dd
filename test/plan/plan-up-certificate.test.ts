import { expect, test } from "vitest";
import { certificateDigest } from "../../src/gateway/config.ts";
import type { Stack } from "../../src/stack/stack.ts";
import { readinessIn, type World } from "./model.ts";
import { home, planIn, told, up } from "./scenario.ts";

const files = { cert: "/home/me/cert.pem", key: "/home/me/key.pem" };
const secured: Stack = { ...home, gateway: { ...home.gateway, tls: files } };

/** The gateway of a world presents this certificate, and the stack's file holds that one. */
function certificates(world: World, presents: string | undefined, wanted: string | undefined) {
  const readiness = readinessIn(world);
  return {
    gateway: {
      image: "nexus-gateway:abc",
      ...(readiness && {
        readiness: { ...readiness, ...(presents && { certificate: presents }) },
      }),
      ...(wanted && { certificate: certificateDigest(wanted) }),
    },
  };
}

const securedWorld = () => up(secured, certificates(up(home), undefined, "one"), up(home));

test("a first certificate is one call to the gateway, which names the files and holds no secret", () => {
  const overrides = certificates(up(home), undefined, "one");
  expect(told(up(home), secured, overrides)).toMatchInlineSnapshot(`
    "
    gateway
      configure  2 upstreams  it has a certificate now

    2 unchanged; configures the gateway
    "
  `);
  const [action] = planIn(up(home), secured, overrides).actions;
  expect(action).toMatchObject({
    certified: files,
    config: { tls: { certificate: certificateDigest("one") } },
  });
});

test("the same certificate again changes nothing", () => {
  const world = securedWorld();
  expect(planIn(world, secured, certificates(world, "one", "one")).actions).toEqual([]);
});

test("a certificate that changed is one call to the gateway", () => {
  const world = securedWorld();
  const { actions } = planIn(world, secured, certificates(world, "one", "two"));
  expect(actions).toMatchObject([{ kind: "configure", because: "its certificate changed" }]);
});

test("a gateway that lost its certificate is sent it again", () => {
  const world = securedWorld();
  const { actions } = planIn(world, secured, certificates(world, undefined, "one"));
  expect(actions[0]).toMatchObject({ kind: "configure", because: "it has a certificate now" });
});

test("a certificate that is no longer wanted is taken back", () => {
  const world = securedWorld();
  const { actions } = planIn(world, home, certificates(world, "one", undefined));
  expect(actions).toMatchObject([{ kind: "configure", because: "it has a certificate no more" }]);
});
