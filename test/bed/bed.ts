/** The bed as tests use it: where things are, engines of their own, and faults on the way to an engine. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { callEngine, forgetImage } from "./engine-http.ts";
import {
  bringUpEngine,
  type EngineOptions,
  startEngine,
  stopEngine,
  takeDownEngine,
} from "./engines.ts";
import { enginePlaces, runDir, socketPath } from "./places.ts";

export type { EngineOptions } from "./engines.ts";
export {
  type EngineProxy,
  type Fault,
  type RecordedCall,
  type Rule,
  startEngineProxy,
} from "./engine-proxy.ts";
export {
  closedRegistry,
  credentials,
  dockerHost,
  openRegistry,
  repository,
  socketPath,
} from "./places.ts";

/** An engine that belongs to one test; it shares the images of the bed's registries and nothing else. */
export type PrivateEngine = Readonly<{
  socketPath: string;
  dockerHost: string;
  dataRoot: string;
  /** Words to put before a command that shall see this engine's loopback and published ports. */
  enter: readonly string[];
  /** Ends the daemon: politely, or at once with SIGKILL. Containers end with it only when polite. */
  stop: (signal?: NodeJS.Signals) => Promise<void>;
  start: () => Promise<void>;
  /** The last lines of its log, for a failed test's report. */
  log: () => string;
  [Symbol.asyncDispose]: () => Promise<void>;
}>;

/** Starts an engine in a namespace of its own, about 2 s; dispose of it with `await using`. */
export async function startSecondEngine(options: EngineOptions = {}): Promise<PrivateEngine> {
  const places = enginePlaces(randomBytes(3).toString("hex"));
  await bringUpEngine(places, options);
  return {
    socketPath: places.socketPath,
    dockerHost: `unix://${places.socketPath}`,
    dataRoot: places.dataRoot,
    enter: ["nsenter", `--net=/run/netns/${places.namespace}`, "--"],
    stop: async (signal = "SIGTERM") => stopEngine(places, signal),
    start: async () => startEngine(places, options),
    log: () => readFileSync(join(places.logDir, "dockerd.log"), "utf8").slice(-4000),
    [Symbol.asyncDispose]: async () => takeDownEngine(places, true),
  };
}

/** Removes an image from the bed's engine, so that its next use is a real pull. */
export async function forget(reference: string): Promise<void> {
  await forgetImage(socketPath, reference);
}

/** Pulls an image into an engine, where a test wants it there beforehand; throws with the engine's words. */
export async function fetchImage(reference: string, engine = socketPath): Promise<void> {
  const path = `/images/create?fromImage=${encodeURIComponent(reference)}`;
  const { status, text } = await callEngine(engine, { method: "POST", path });
  if (status !== 200 || text.includes('"errorDetail"')) {
    throw new Error(`The engine cannot pull ${reference}: ${text.slice(-300)}`);
  }
}

/** A path for a unix socket of a test's own, short enough for the kernel. */
export function freshSocketPath(): string {
  mkdirSync(join(runDir, "sockets"), { recursive: true });
  return join(runDir, "sockets", `${randomBytes(6).toString("hex")}.sock`);
}
