import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCodes, NexusError } from "../../src/errors.ts";
import type { ControlReply, ProbeReport } from "../../src/gateway/protocol.ts";
import { awaitService, type ServiceWait } from "../../src/readiness/await-service.ts";
import { StoppedWithEngineError } from "../../src/readiness/errors.ts";
import { type EventFeed, openEventFeed } from "../../src/readiness/event-feed.ts";
import type { GatewayLink } from "../../src/readiness/gateway-link.ts";
import { GatewayStub, type SeenRequest } from "./gateway-stub.ts";
import { job, toBeProven, toBeReady, withoutHttp } from "./judge-steps.ts";
import { ManualClock, settled } from "./manual-clock.ts";
import { container, die, StubEngine } from "./stub-engine.ts";

class EngineAwayError extends NexusError {
  readonly code = "NEXUS_TEST_AWAY";
  readonly remedy = "Start it.";
  readonly exitCode = exitCodes.engine;
}

const ready: ProbeReport = {
  state: "ready",
  detail: "GET /readyz answered 200",
  status: 200,
  missing_models: [],
  present_models: [],
  progress_token: "r",
};
const loading: ProbeReport = { ...ready, state: "loading", status: 503, detail: "loading 10 %" };

let engine: StubEngine;
let clock: ManualClock;
let feed: EventFeed;
const links: GatewayLink[] = [];

beforeEach(() => {
  engine = new StubEngine();
  clock = new ManualClock();
  feed = openEventFeed({ engine, stack: "home", clock, patienceMs: 1_000 });
});

afterEach(async () => {
  await feed.close();
  for (const link of links.splice(0)) await link.close();
});

function waiting(gateway: GatewayStub, change: Partial<ServiceWait> = {}): ServiceWait {
  const link = gateway.link();
  links.push(link);
  return {
    engine,
    feed,
    clock,
    target: toBeReady,
    containerId: "c1",
    link: async () => link,
    ...change,
  };
}

function answering(ok: Readonly<Record<string, unknown>>): GatewayStub {
  return new GatewayStub(({ id, op }: SeenRequest, send: (reply: ControlReply) => void) => {
    if (op in ok) send({ id, ok: ok[op] });
  });
}

test("a service is ready when its probe said so and it stayed up", async () => {
  const verdict = awaitService(waiting(answering({ watch: ready })));

  await clock.advance(300);

  expect(await verdict).toEqual({ reached: true, level: "ready" });
});

test("progress is told once per change, with the time waited", async () => {
  const gateway = answering({});
  const told: unknown[] = [];
  const verdict = awaitService(waiting(gateway, { onProgress: (progress) => told.push(progress) }));
  const { id } = await gateway.asked("watch");

  await clock.advance(1_000);
  gateway.send({ id, progress: loading });
  gateway.send({ id, progress: loading });
  await clock.advance(1_000);
  gateway.send({ id, ok: ready });
  await clock.advance(300);

  expect((await verdict).reached).toBe(true);
  expect(told).toEqual([
    { detail: "waiting for a first answer", waitedMs: 0 },
    { detail: "loading 10 %", waitedMs: 1_000 },
    { detail: "ready, making sure it stays up", waitedMs: 2_000 },
  ]);
});

test("a death ends the wait at once, and the watch with it", async () => {
  const gateway = answering({});
  const verdict = awaitService(waiting(gateway));
  const watch = await gateway.asked("watch");

  engine.container = container({ state: "exited", exitCode: 137, oomKilled: true });
  engine.emit(die(137));

  expect(await verdict).toEqual({
    reached: false,
    cause: { kind: "out-of-memory", limitBytes: 256 * 1024 ** 2 },
  });
  expect(await gateway.asked("cancel")).toMatchObject({ request: watch.id });
});

test("a container that died before anybody waited is found", async () => {
  engine.container = container({ state: "exited", exitCode: 3 });
  expect(await awaitService(waiting(answering({})))).toEqual({
    reached: false,
    cause: { kind: "crashed", exitCode: 3 },
  });
});

test("patience ends when nothing ever answers", async () => {
  const verdict = awaitService(waiting(answering({})));
  await clock.advance(10_000);
  expect(await verdict).toEqual({ reached: false, cause: { kind: "never-listened", port: 9000 } });
});

test("proven takes a real request after ready", async () => {
  const proof = { status: 200, detail: "", duration_ms: 5 };
  const verdict = awaitService(
    waiting(answering({ watch: ready, prove: proof }), { target: toBeProven }),
  );
  await clock.advance(300);
  expect(await verdict).toEqual({ reached: true, level: "proven" });
});

test("a proof that fails says how", async () => {
  const proof = { status: 500, detail: "CUDA error", duration_ms: 5 };
  const wait = waiting(answering({ watch: ready, prove: proof }), { target: toBeProven });
  expect(await awaitService(wait)).toEqual({
    reached: false,
    cause: { kind: "request-failed", status: 500, detail: "CUDA error" },
  });
});

test("a service without HTTP needs no gateway", async () => {
  const gateway = answering({});
  const verdict = awaitService(waiting(gateway, { target: withoutHttp }));
  await clock.advance(300);
  expect(await verdict).toEqual({ reached: true, level: "running" });
  expect(gateway.seen).toEqual([]);
});

test("an external service needs no container", async () => {
  const wait = waiting(answering({ watch: ready }), { containerId: undefined });
  expect(await awaitService(wait)).toEqual({ reached: true, level: "ready" });
});

test("a job is waited for as long as it writes, until it exits 0", async () => {
  engine.logLines = [{ stream: "stdout", text: "working" }];
  const verdict = awaitService(waiting(answering({}), { target: job }));
  await clock.advance(5_000);
  engine.container = container({ state: "exited" });
  engine.emit(die(0));
  expect(await verdict).toEqual({ reached: true, level: "completed" });
});

test("interrupting rejects with the reason", async () => {
  const abort = new AbortController();
  const verdict = awaitService(waiting(answering({}), { signal: abort.signal }));
  abort.abort(new Error("interrupted"));
  await expect(verdict).rejects.toThrow("interrupted");
});

test("a gateway that is lost alone is the cause", async () => {
  const gateway = answering({});
  const verdict = awaitService(waiting(gateway));
  await gateway.asked("watch");
  gateway.exit(1);
  expect(await verdict).toMatchObject({
    cause: { kind: "engine", code: "NEXUS_GATEWAY_LOST", exit: exitCodes.notReady },
  });
});

test("losing the engine is no verdict on the service, even when the gateway is missed first", async () => {
  const gateway = answering({});
  const verdict = awaitService(waiting(gateway));
  await gateway.asked("watch");
  const away = new EngineAwayError("gone");
  engine.leave(away);
  gateway.exit(137);
  await expect(verdict).rejects.toBe(away);
});

test("an engine that comes back without the container asks for a new look at everything", async () => {
  const verdict = awaitService(waiting(answering({})));
  await settled();
  engine.leave(new EngineAwayError("gone"));
  engine.away = undefined;
  engine.container = container({ state: "exited", exitCode: 143 });
  const outcome = verdict.catch((thrown: unknown) => thrown);
  await clock.advance(500);
  expect(await outcome).toBeInstanceOf(StoppedWithEngineError);
});
