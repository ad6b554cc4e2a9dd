/** A temporary folder for its owner alone that goes with what needed it, or with the process. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folder, 0700, and how to be rid of it. */
export type PrivateTemporary = Readonly<{
  path: string;
  [Symbol.asyncDispose]: () => Promise<void>;
}>;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Makes one; what is in it does not outlive the process, interrupted or not. */
export async function makePrivateTemporary(prefix: string): Promise<PrivateTemporary> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  // Where somebody else hears the signal, it ends in order, and the folder with it.
  const interrupted = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 1) return;
    remove();
    process.removeListener(signal, interrupted);
    process.kill(process.pid, signal);
  };
  process.once("exit", remove);
  for (const signal of signals) process.on(signal, interrupted);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      process.removeListener("exit", remove);
      for (const signal of signals) process.removeListener(signal, interrupted);
      await rm(path, { recursive: true, force: true });
    },
  };
}
