/** What the CLI can have the gateway do. */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { App } from "../app.ts";
import type { Upstream } from "../config.ts";
import { stackReadiness } from "../api/catalogue.ts";
import type { ControlOrder } from "./requests.ts";
import { ControlFailure } from "./failure.ts";
import { probeUpstream } from "../upstreams/probe.ts";
import type { ControlResult, ProbeReport } from "../protocol.ts";
import { prove } from "./prove.ts";
import { sendRequest } from "./send-request.ts";

export { ControlFailure } from "./failure.ts";

/** The ports that were opened, which differ from those asked for when those were 0. */
export type Ports = Readonly<{ apiPort: number; observabilityPort: number }>;

/** What an operation works with; `signal` aborts when it was cancelled or its client has gone. */
export type OperationContext = Readonly<{
  app: App;
  ports: Ports;
  progress: (value: unknown) => void;
  /** Undefined while the client keeps up with what is told, else what settles once it has, or has gone. */
  catchingUp: () => Promise<void> | undefined;
  signal: AbortSignal;
}>;

type Order<Op extends ControlOrder["op"]> = Extract<ControlOrder, { op: Op }>;

/** Carries out an order; throws ControlFailure, KeyRefused or UserRefused when it cannot be. */
export async function carryOut(
  order: Exclude<ControlOrder, { op: "cancel" }>,
  context: OperationContext,
): Promise<ControlResult[keyof ControlResult]> {
  if ("upstream" in order) return askUpstream(order, context);
  if (order.op === "configure") return configure(order, context);
  if (order.op === "drain") return drain(order, context);
  if (isOfUsers(order)) return changeUsers(order, context);
  const { keys, settings } = context.app;
  if (order.op === "disk") return readDisk(dirname(settings.configFile));
  if (order.op === "keys.add") await keys.add(order.key);
  else if (order.op === "keys.replace") await keys.replace(order.key);
  else if (order.op === "keys.remove") await keys.remove(order.name);
  else return look(order, context);
  return null;
}

type UserOrder = Order<"users.list" | "users.add" | "users.replace" | "users.remove">;

function isOfUsers(order: ControlOrder): order is UserOrder {
  return order.op.startsWith("users.");
}

async function changeUsers(
  order: UserOrder,
  { app: { users } }: OperationContext,
): Promise<ControlResult[UserOrder["op"]]> {
  switch (order.op) {
    case "users.add":
      await users.add(order.user);
      return null;
    case "users.replace":
      await users.replace(order.user);
      return null;
    case "users.remove":
      await users.remove(order.name);
      return null;
    case "users.list":
    default:
      return users.listed(Date.now());
  }
}

function askUpstream(
  order: Order<"watch" | "prove" | "request">,
  context: OperationContext,
): Promise<ControlResult["watch" | "prove" | "request"]> {
  switch (order.op) {
    case "watch":
      return watch(order, context);
    case "prove":
      return prove(context.app, order.upstream, context.signal);
    case "request":
    default:
      return sendRequest(order, context);
  }
}

/** What is free there for anybody who is not root. */
async function readDisk(folder: string): Promise<ControlResult["disk"]> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free_bytes: bavail * bsize, total_bytes: blocks * bsize };
}

/** The orders that only look. */
function look(
  order: Order<"hello" | "status" | "keys.list" | "usage">,
  { app, ports }: OperationContext,
): ControlResult["hello" | "status" | "keys.list" | "usage"] {
  if (order.op === "usage") return app.ledger.report(order.by, Date.parse(order.since));
  if (order.op === "status") return stackReadiness(app);
  if (order.op === "keys.list") return app.keys.listed();
  const { config, hash } = app.registry.snapshot;
  return {
    version: app.version,
    config_hash: config ? hash : null,
    keys: app.keys.size,
    api_port: ports.apiPort,
    observability_port: ports.observabilityPort,
  };
}

async function configure(
  { config, tls }: Order<"configure">,
  { app }: OperationContext,
): Promise<ControlResult["configure"]> {
  try {
    const take = () => app.registry.configure(config);
    const hash = await app.certificates.change(config.tls?.certificate, tls, take);
    app.metrics.configured("accepted");
    await app.telemetry.use(config);
    return { config_hash: hash };
  } catch (error) {
    app.metrics.configured("rejected");
    const reason = error instanceof Error ? error.message : String(error);
    throw new ControlFailure("configuration_rejected", `The old one stays in force: ${reason}`);
  }
}

const firstPauseMs = 25;
const longestPauseMs = 250;
const heartbeatMs = 1_000;

/** Looks at an upstream until it is as wanted; each change is told, and every second that there is none. */
async function watch(
  { upstream, until }: Order<"watch">,
  { app, progress, signal }: OperationContext,
): Promise<ProbeReport> {
  return withBackend(app, upstream, async (backend) => {
    const teller = tellChanges(progress);
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.6)) {
      const { report } = await probeUpstream(backend, upstream, signal);
      throwIfCancelled(signal);
      teller(report);
      if (isReached(report, until)) {
        // What the CLI is told from here is what everybody is told from now on.
        await app.registry.lookAnewAt(upstream);
        return report;
      }
      await pause(pauseMs, signal);
    }
  });
}

function tellChanges(progress: (value: unknown) => void): (report: ProbeReport) => void {
  let told: ProbeReport | undefined;
  let toldAt = 0;
  return (report) => {
    const isNews = told?.progress_token !== report.progress_token || told.detail !== report.detail;
    if (!isNews && performance.now() - toldAt < heartbeatMs) return;
    told = report;
    toldAt = performance.now();
    progress(report);
  };
}

function isReached({ state }: ProbeReport, until: "reachable" | "ready"): boolean {
  return until === "ready" ? state === "ready" : state !== "unreachable";
}

async function drain(
  { url }: Order<"drain">,
  { app, progress, signal }: OperationContext,
): Promise<ControlResult["drain"]> {
  let told: number | undefined;
  for (;;) {
    const inFlight = app.backends.inFlightAt(url);
    if (inFlight === 0) return { in_flight: 0 };
    if (inFlight !== told) progress({ in_flight: inFlight });
    told = inFlight;
    await nextIdle(app, signal);
  }
}

/** Resolves when some backend became idle, or after a second. */
async function nextIdle(app: App, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const forget = app.backends.onIdle(resolve);
  try {
    await Promise.race([promise, pause(heartbeatMs, signal)]);
  } finally {
    forget();
  }
}

async function withBackend<Result>(
  app: App,
  upstream: Upstream,
  use: (backend: ReturnType<App["backends"]["retain"]>) => Promise<Result>,
): Promise<Result> {
  const backend = app.backends.retain(upstream);
  try {
    return await use(backend);
  } finally {
    app.backends.release(upstream);
  }
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new ControlFailure("cancelled", "The request was cancelled.");
}

/** Waits, unless cancelled. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
  throwIfCancelled(signal);
}
