import { expect, test } from "vitest";
import { InterruptedError } from "../../src/apply/errors.ts";
import type { ApplyReport } from "../../src/apply/events.ts";
import { waitForEngine } from "../../src/apply/loss.ts";
import { exitCodeOf } from "../../src/apply/report.ts";
import { EngineLostError } from "../../src/engine/errors.ts";
import type { ContainerService, Stack } from "../../src/stack/stack.ts";
import { service, stackOf } from "../support/builders.ts";
import { placeDead, volumesOf } from "./lock-subject.ts";
import { bringUp, SimulatedEngine } from "./simulated-stack.ts";

/** A database with a volume of its own, so that two of it cannot run side by side, and what needs it. */
function home(images: Readonly<{ db?: string; web?: string }> = {}): Stack {
  const of = (name: string, image: string, rest: Partial<ContainerService> = {}) =>
    service(name, {
      image: { kind: "pull", ref: image, pullPolicy: "missing" },
      stallTimeoutMs: 100,
      stableMs: 1,
      ...rest,
    });
  const data = { kind: "volume", source: "home_data", target: "/data", readOnly: false } as const;
  return stackOf(
    [
      of("db", images.db ?? "db:1", { mounts: [{ ...data, external: false }] }),
      of("web", images.web ?? "web:1", { dependsOn: [{ service: "db", condition: "ready" }] }),
    ],
    { volumes: [{ name: "home_data", key: "data", external: false, driverOpts: {} }] },
  );
}

const outcomes = ({ services }: ApplyReport) =>
  Object.fromEntries(services.map(({ service: name, outcome }) => [name, outcome]));

const urls = (engine: SimulatedEngine) => engine.config?.upstreams.map(({ url }) => url);

async function broughtUp(behaviour?: ConstructorParameters<typeof SimulatedEngine>[0]) {
  const engine = new SimulatedEngine(behaviour);
  const { report } = await bringUp(engine, home());
  expect(exitCodeOf(report)).toBe(0);
  return engine;
}

test("a stack that is as wanted is left alone: no lock, no writing call", async () => {
  const engine = await broughtUp();
  const before = engine.writes.length;

  const { report, plans } = await bringUp(engine, home());

  expect(outcomes(report)).toEqual({ db: "unchanged", web: "unchanged" });
  expect(engine.writes.slice(before)).toEqual([]);
  expect(plans).toEqual([]);
});

test("a lock left by a process that died with its work done is cleared away, though nothing is left to do", async () => {
  const engine = await broughtUp();
  await placeDead(engine, "home");

  const { report } = await bringUp(engine, home());

  expect(outcomes(report)).toEqual({ db: "unchanged", web: "unchanged" });
  expect(await volumesOf(engine, "home")).not.toContain("nexus-lock-home");
});

test("a replacement that never becomes ready is removed, and the old container serves again", async () => {
  const engine = await broughtUp();
  engine.neverReady.add("db:2");

  const { report } = await bringUp(engine, home({ db: "db:2" }));

  expect(engine.running).toEqual(["home-db-1", "home-gateway-1", "home-web-1"]);
  expect(urls(engine)).toEqual(["http://home-db-1:8000", "http://home-web-1:8000"]);
  expect(outcomes(report)).toMatchObject({ db: "kept" });
  expect(exitCodeOf(report)).toBe(4);
});

test("an old container that cannot be put back is not called kept", async () => {
  const engine = await broughtUp();
  engine.neverReady.add("db:2");
  engine.before = (call, subject) => {
    if (call === "start" && subject === "home-db-1") engine.neverReady.add("db:1");
  };

  const { report } = await bringUp(engine, home({ db: "db:2" }));

  expect(outcomes(report)).toMatchObject({ db: "failed" });
});

test("what depends on a service that failed is blocked, names it, and goes on serving as it was", async () => {
  const engine = await broughtUp();
  engine.neverReady.add("db:2");

  const { report } = await bringUp(engine, home({ db: "db:2", web: "web:2" }));

  const web = report.services.find(({ service: name }) => name === "web");
  expect(web).toMatchObject({ outcome: "blocked", failure: { cause: { by: "db" } } });
  expect(engine.running).toEqual(["home-db-1", "home-gateway-1", "home-web-1"]);
});

test("what stays as it is while something that it depends on is replaced has to be ready after that, too", async () => {
  const engine = await broughtUp();
  engine.before = (call, subject) => {
    if (call === "start" && subject === "home-db-2") engine.neverReady.add("web:1");
  };

  const { report } = await bringUp(engine, home({ db: "db:2" }));

  expect(outcomes(report)).toMatchObject({ db: "ready", web: "failed" });
  expect(exitCodeOf(report)).toBe(4);
});

test("what stays as it is while a replacement that it depends on fails is as it was", async () => {
  const engine = await broughtUp();
  engine.neverReady.add("db:2");

  const { report } = await bringUp(engine, home({ db: "db:2" }));

  expect(outcomes(report)).toMatchObject({ db: "kept", web: "unchanged" });
});

test("no service is called unchanged that has stopped being ready while others were changed", async () => {
  const engine = await broughtUp();
  engine.before = (call, subject) => {
    if (call === "start" && subject === "home-web-2") engine.neverReady.add("db:1");
  };
  const told: string[] = [];

  const { report } = await bringUp(engine, home({ web: "web:2" }), {
    onEvent: ({ kind, action }) => void told.push(`${kind} ${action.id}`),
  });

  expect(outcomes(report)).toMatchObject({ web: "ready", db: "failed" });
  expect(exitCodeOf(report)).toBe(4);
  expect(told).toContain("failed last-look await home-db-1");
  expect(told).not.toContain("finished last-look await home-web-2");
});

test("a new gateway that crashes takes nothing down: it and what it was to judge are put back", async () => {
  const engine = await broughtUp((image) =>
    image === "nexus-gateway:new" ? { exit: { code: 1 } } : {},
  );

  const { report } = await bringUp(engine, home({ db: "db:2" }), {
    gatewayImage: "nexus-gateway:new",
  });

  expect(engine.running).toEqual(["home-db-1", "home-gateway-1", "home-web-1"]);
  expect(outcomes(report)).toMatchObject({ gateway: "kept", db: "blocked" });
  expect(exitCodeOf(report)).toBe(4);
});

test("an interruption in the middle of a replacement puts the old container back and waits for it", async () => {
  const engine = await broughtUp();
  engine.neverReady.add("db:2");
  const controller = new AbortController();

  const { report } = await bringUp(engine, home({ db: "db:2" }), {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.kind === "finished" && event.action.id === "start home-db-2")
        controller.abort(new Error("interrupted"));
    },
  });

  expect(engine.running).toEqual(["home-db-1", "home-gateway-1", "home-web-1"]);
  expect(urls(engine)).toEqual(["http://home-db-1:8000", "http://home-web-1:8000"]);
  const db = report.services.find(({ service: name }) => name === "db");
  expect(db?.failure?.message).toBe("db is not finished, because it was interrupted.");
  expect(exitCodeOf(report)).toBe(130);
});

test("an interruption before anything was begun changes nothing", async () => {
  const engine = new SimulatedEngine();

  await expect(bringUp(engine, home(), { signal: AbortSignal.abort() })).rejects.toThrow(
    InterruptedError,
  );
  expect(engine.writes).toEqual([]);
});

test("when the engine is lost in the middle, what is there is looked at anew and the rest is done", async () => {
  const engine = new SimulatedEngine();
  let losses = 0;
  engine.before = (call, subject) => {
    if (call === "start" && subject === "home-web-1" && losses++ === 0)
      throw new EngineLostError("start home-web-1", new Error("ECONNRESET"));
  };

  const { report, plans } = await bringUp(engine, home());

  expect(engine.running).toEqual(["home-db-1", "home-gateway-1", "home-web-1"]);
  expect(plans).toHaveLength(2);
  expect(plans[1]?.actions.map(({ id }) => id)).not.toContain("create home-web-1");
  expect(exitCodeOf(report)).toBe(0);
});

test("a gateway that goes away together with its engine is no failure of a service", async () => {
  const engine = new SimulatedEngine();
  const away = new EngineLostError("describe", new Error("ECONNREFUSED"));
  let answers = Infinity;
  engine.before = (call) => {
    if (call === "configure" && answers === Infinity) {
      answers = -1;
      throw new Error("the gateway's process ends");
    }
    if (call === "describe" && answers++ < 0) throw away;
  };

  const { report, plans } = await bringUp(engine, home());

  expect(plans).toHaveLength(2);
  expect(exitCodeOf(report)).toBe(0);
});

test("a gateway that goes away alone is its own failure", async () => {
  const engine = new SimulatedEngine();
  engine.before = (call) => {
    if (call === "configure") throw new Error("the gateway's process ends");
  };

  const { report } = await bringUp(engine, home());

  expect(report.services.find(({ service: name }) => name === "gateway")).toMatchObject({
    outcome: "failed",
    failure: { cause: { code: "NEXUS_GATEWAY_LOST" } },
  });
});

test("an engine that is lost again and again ends the change with its own failure", async () => {
  const engine = new SimulatedEngine();
  engine.before = (call) => {
    if (call === "start") throw new EngineLostError("start", new Error("ECONNRESET"));
  };

  await expect(bringUp(engine, home())).rejects.toThrow(EngineLostError);
  expect(await engine.volumes.inspect("nexus-lock-home")).toBeUndefined();
});

test("who interrupts while the engine is away is not kept waiting, and is not told of a bug", async () => {
  const engine = new SimulatedEngine();
  const controller = new AbortController();
  engine.before = () => {
    controller.abort();
    throw new EngineLostError("describe", new Error("ECONNREFUSED"));
  };

  await expect(waitForEngine(engine, controller.signal)).rejects.toThrow(InterruptedError);
});
