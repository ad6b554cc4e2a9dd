import { describe, expect, test } from "vitest";
import {
  ImageNotPresentError,
  NameConflictError,
  NetworkConflictError,
  PortConflictError,
  PortSharedError,
  VolumeConflictError,
  VolumeMissingError,
} from "../../src/plan/errors.ts";
import type { Observed, ObservedVolume } from "../../src/engine/engine.ts";
import type { Stack } from "../../src/stack/stack.ts";
import { foreign, network, observedOf, service, stackOf, volume } from "../support/builders.ts";
import { emptyWorld } from "./model.ts";
import { planIn, up } from "./scenario.ts";

const stack = stackOf([service("web")]);
const api = { hostIp: "0.0.0.0", hostPort: 8800, containerPort: 80, protocol: "tcp" } as const;

/** A volume as Compose labels it. */
function compose(project: string): ObservedVolume {
  const labels = { "com.docker.compose.project": project };
  const { stack: _stack, ...unowned } = volume("home-gateway", { labels });
  return unowned;
}

/** What planning in a world of other people's things is refused with. */
function refusal(observed: Partial<Observed>, wanted: Stack = stack): unknown {
  try {
    planIn({ ...emptyWorld, observed: observedOf(observed) }, wanted);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("what belongs to others", () => {
  test("keeps its container name, and is named with what to do", () => {
    const error = refusal({
      foreign: [foreign("home-web-1", { owner: "the Compose project shop" })],
    });
    expect(error).toBeInstanceOf(NameConflictError);
    expect(error).toMatchObject({
      exitCode: 6,
      message:
        "The name home-web-1 is taken by the running container home-web-1 of the Compose project shop (image nginx:1). Nexus never removes what is not its own.",
      remedy:
        "Rename it (`docker rename home-web-1 home-web-1-old`), or give the stack another `name:`.",
    });
  });

  test("keeps its port, and is named with what to do", () => {
    const error = refusal({ foreign: [foreign("proxy", { ports: [api] })] });
    expect(error).toBeInstanceOf(PortConflictError);
    expect(error).toMatchObject({
      exitCode: 6,
      message:
        "gateway wants port 127.0.0.1:8800, but the running container proxy (image nginx:1) publishes it.",
      remedy:
        "Stop it (`docker stop proxy`), or set another `gateway.port` or `gateway.observability_port` in the stack file.",
    });
  });

  test("is no conflict while it is stopped, or on another address", () => {
    expect(
      refusal({ foreign: [foreign("proxy", { ports: [api], running: false })] }),
    ).toBeUndefined();
    expect(
      refusal({ foreign: [foreign("proxy", { ports: [{ ...api, hostIp: "10.0.0.5" }] })] }),
    ).toBeUndefined();
  });

  test("does not matter to what runs already", () => {
    const world = up(stack);
    const observed = { ...world.observed, foreign: [foreign("proxy", { ports: [api] })] };
    expect(planIn({ ...world, observed }, stack).actions).toEqual([]);
  });

  test("keeps its network", () => {
    const { stack: _stack, ...unowned } = network("home");
    expect(refusal({ networks: [unowned] })).toBeInstanceOf(NetworkConflictError);
    expect(refusal({ networks: [unowned, network("home", { id: "ours" })] })).toBeUndefined();
  });

  test.each([
    ["another stack's", volume("home-gateway", { stack: "work" }), "belongs to stack work"],
    ["a Compose project's", compose("shop"), "belongs to the Compose project shop"],
  ])("keeps its volume when that is %s", (_whose, taken, words) => {
    const error = refusal({ volumes: [taken] });
    expect(error).toBeInstanceOf(VolumeConflictError);
    expect(String(error)).toContain(words);
  });
});

test("a volume that the stack gives a name of its own is shared with the stack that made it", () => {
  const volumes = [
    { name: "nexus-models-hf", key: "hf-cache", external: false, driverOpts: {} },
    { name: "home_own", key: "own", external: false, driverOpts: {} },
  ];
  const theirs = (name: string) => ({ volumes: [volume(name, { stack: "work" })] });
  const sharing = { ...stack, volumes };
  expect(refusal(theirs("nexus-models-hf"), sharing)).toBeUndefined();
  expect(refusal(theirs("home_own"), sharing)).toBeInstanceOf(VolumeConflictError);
});

describe("what is missing", () => {
  test("is an external volume that nobody made", () => {
    const volumes = [{ name: "shared", key: "shared", external: true, driverOpts: {} }];
    expect(refusal({}, { ...stack, volumes })).toBeInstanceOf(VolumeMissingError);
    expect(
      refusal({ volumes: [volume("shared", { stack: "work" })] }, { ...stack, volumes }),
    ).toBeUndefined();
  });

  test("is an image that must not be pulled", () => {
    const image = { kind: "pull", ref: "web:1", pullPolicy: "never" } as const;
    const error = refusal({}, stackOf([service("web", { image })]));
    expect(error).toBeInstanceOf(ImageNotPresentError);
    expect(error).toMatchObject({ exitCode: 8 });
  });
});

test("two members of the stack cannot have one port", () => {
  const error = refusal({}, stackOf([service("web", { ports: [api] })]));
  expect(error).toBeInstanceOf(PortSharedError);
  expect(String(error)).toContain("gateway and web both want port 0.0.0.0:8800");
});
