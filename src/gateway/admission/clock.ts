/** The time as admission and health need it, so that a test can hold it in its hand. */

/** Milliseconds that only ever grow, and calls that come later; `after` returns how to prevent one. */
export type Clock = Readonly<{
  now: () => number;
  after: (ms: number, call: () => void) => () => void;
}>;

/** The process's own time. */
export const processClock: Clock = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
