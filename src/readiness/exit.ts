/** What it means that a container no longer runs. Pure. */
import type { ContainerState, ObservedContainer } from "../engine/engine.ts";
import type { Cause } from "./readiness.ts";

/** How a container came to a stop. */
export type Stop = Readonly<
  | { kind: "exited"; exitCode: number; outOfMemory: boolean }
  | { kind: "refused"; message: string }
  | { kind: "looping"; exitCode: number; restarts: number }
  | { kind: "removed" }
  /** The engine went away and took it along. */
  | { kind: "engine-gone" }
>;

/** Exit codes of a process that was told to stop, as an engine that shuts down tells all of them. */
const told = new Set([0, 137, 143]);

/**
 * How it stopped, from a `die` event, when one was heard, and from what `inspect` says; undefined while it lives.
 * A `die` counts even when the container runs again: its restart policy was quicker than we were.
 */
export function stopOf(
  died: Readonly<{ exitCode: number }> | undefined,
  container: ObservedContainer | undefined,
  heard: Readonly<{ outOfMemory: boolean; afterLoss: boolean }>,
): Stop | undefined {
  if (died) {
    const outOfMemory = heard.outOfMemory || container?.oomKilled === true;
    return exited(died.exitCode, outOfMemory, heard.afterLoss);
  }
  if (!container) return { kind: "removed" };
  const isRefused = container.error !== "" && !alive.has(container.state);
  return isRefused ? { kind: "refused", message: container.error } : stopOfState(container, heard);
}

const alive = new Set<ContainerState>(["running", "paused", "restarting"]);
const ended = new Set<ContainerState>(["exited", "dead"]);

function stopOfState(
  { state, exitCode, oomKilled, restartCount }: ObservedContainer,
  heard: Readonly<{ outOfMemory: boolean; afterLoss: boolean }>,
): Stop | undefined {
  if (state === "restarting") return { kind: "looping", exitCode, restarts: restartCount };
  if (state === "removing") return { kind: "removed" };
  if (!ended.has(state)) return undefined;
  return exited(exitCode, heard.outOfMemory || oomKilled, heard.afterLoss);
}

function exited(exitCode: number, outOfMemory: boolean, afterLoss: boolean): Stop {
  const isEngineGone = afterLoss && told.has(exitCode) && !outOfMemory;
  return isEngineGone ? { kind: "engine-gone" } : { kind: "exited", exitCode, outOfMemory };
}

/** Why a service that stopped like that is not at its level. */
export function stopCause(
  stop: Exclude<Stop, { kind: "engine-gone" }>,
  container: ObservedContainer | undefined,
): Cause {
  if (stop.kind === "refused") return { kind: "start-refused", message: stop.message };
  if (stop.kind === "removed") return { kind: "removed" };
  if (stop.kind === "exited") return exitCause(stop, container?.limits.memoryBytes);
  return { kind: "crash-loop", exitCode: stop.exitCode, restarts: stop.restarts };
}

function exitCause(
  { exitCode, outOfMemory }: Readonly<{ exitCode: number; outOfMemory: boolean }>,
  limitBytes: number | undefined,
): Cause {
  if (exitCode === 0) return { kind: "exited-early" };
  if (!outOfMemory) return { kind: "crashed", exitCode };
  return { kind: "out-of-memory", ...(limitBytes === undefined ? {} : { limitBytes }) };
}
