/** Time as a parameter, so that waiting can be tested without waiting. */

/** A clock that can be asked and that can wake somebody. */
export type Clock = Readonly<{
  /** Milliseconds; only differences mean something. */
  now(): number;
  /** Calls `wake` once after `delayMs`; the function it returns cancels that. */
  after(delayMs: number, wake: () => void): () => void;
}>;

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, wake) => {
    const timer = setTimeout(wake, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`, or at once when the signal aborts. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  const cancel = clock.after(delayMs, resolve);
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(cancel);
}
