/** What takes long is told once it does. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sayAfterASecond } from "../../src/terminal/say-after-a-second.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("work that takes more than a second is told once", async () => {
  const said = vi.fn<() => void>();
  const { promise, resolve } = Promise.withResolvers<string>();
  const work = sayAfterASecond(said, promise);
  vi.advanceTimersByTime(999);
  expect(said).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5_000);
  expect(said).toHaveBeenCalledTimes(1);
  resolve("done");
  expect(await work).toBe("done");
});

test("work that is over within a second is not told, also when it failed", async () => {
  const said = vi.fn<() => void>();
  await sayAfterASecond(said, Promise.resolve());
  await expect(sayAfterASecond(said, Promise.reject(new Error("no")))).rejects.toThrow("no");
  vi.advanceTimersByTime(5_000);
  expect(said).not.toHaveBeenCalled();
});
