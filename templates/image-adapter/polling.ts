/** Asking again and again until something is there. */
import { setTimeout as pause } from "node:timers/promises";

const firstPauseMs = 50;
const lastPauseMs = 500;

/** Asks until there is an answer, with growing pauses. Rejects with the signal's reason. */
export async function poll<Answer>(
  ask: () => Promise<Answer | undefined>,
  signal: AbortSignal,
): Promise<Answer> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(lastPauseMs, pauseMs * 1.5)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await pause(pauseMs, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}
