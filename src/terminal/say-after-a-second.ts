/** Tells people what is waited for, and spares them what is over at once. */

/** Calls `say` when the work has taken a second and goes on; resolves or rejects as the work does. */
export function sayAfterASecond<Result>(say: () => void, work: Promise<Result>): Promise<Result> {
  const timer = setTimeout(say, 1_000);
  return work.finally(() => clearTimeout(timer));
}
