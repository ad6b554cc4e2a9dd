/** What to do when the engine goes away in the middle: wait for it, then look again. */
import { setTimeout as delay } from "node:timers/promises";
import type { Engine } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { InterruptedError } from "./errors.ts";

/** How long a restarting engine may take, in milliseconds. */
const patienceMs = 60_000;

/** Whether a failure means that the engine was lost, so that its state has to be looked at anew. */
export function afterLoss(error: unknown): boolean {
  return error instanceof NexusError && error.exitCode === exitCodes.engine;
}

/**
 * Resolves once the engine answers again; rejects with its last failure after a minute. Throws
 * {@link InterruptedError} when the signal aborts meanwhile.
 */
export async function waitForEngine(engine: Engine, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    if (signal.aborted) throw new InterruptedError();
    try {
      await engine.describe();
      return;
    } catch (error) {
      if (Date.now() > deadline || !afterLoss(error)) throw error;
      await delay(250, undefined, { signal }).catch(() => undefined);
    }
  }
}
