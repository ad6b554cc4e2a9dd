/** Locks as a test arranges them: held by processes that live, died, or are somewhere else. */
import { randomUUID } from "node:crypto";
import { withStackLock } from "../../src/apply/lock.ts";
import { StackLockedError } from "../../src/apply/errors.ts";
import { thisProcess } from "../../src/apply/owner.ts";
import type { Engine } from "../../src/engine/engine.ts";

/** No kernel gives a process this number (PID_MAX_LIMIT is 2^22). */
const nobody = 2 ** 22 + 1;

/** Places a lock, or the claim on one, as a process of this host that died left it; resolves with its nonce. */
export async function placeDead(
  engine: Engine,
  stack: string,
  options: Readonly<{ claimOn?: string; owner?: Readonly<Record<string, string>> }> = {},
): Promise<string> {
  const nonce = randomUUID();
  const owner = { ...(await thisProcess()), pid: nobody, nonce, command: "nexus up" };
  const labels = Object.entries({ ...owner, ...options.owner }).map(([key, value]) => [
    `io.nexus.lock.${key}`,
    String(value),
  ]);
  const suffix = options.claimOn === undefined ? "" : `-${options.claimOn}`;
  const name = `nexus-lock-${stack}${suffix}`;
  await engine.volumes.create({ name, stack, driverOpts: {}, labels: Object.fromEntries(labels) });
  return nonce;
}

/** Lets so many contenders have the lock so many times each; resolves with the most that had it at once. */
export async function contend(
  engine: Engine,
  stack: string,
  { contenders, times }: Readonly<{ contenders: number; times: number }>,
): Promise<number> {
  let holders = 0;
  let most = 0;
  const work = async () => {
    holders += 1;
    most = Math.max(most, holders);
    await turn();
    holders -= 1;
  };
  const contender = async () => {
    for (let had = 0; had < times;) {
      try {
        await withStackLock({ engine, stack, command: "nexus up" }, work);
        had += 1;
      } catch (error) {
        if (!(error instanceof StackLockedError)) throw error;
        await turn();
      }
    }
  };
  await Promise.all(Array.from({ length: contenders }, contender));
  return most;
}

/** Lets everything else that is ready go first. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Names of all volumes. */
export async function volumesOf(engine: Engine, stack: string): Promise<readonly string[]> {
  const volumes = await engine.volumes.list(`io.nexus.stack=${stack}`);
  return volumes.map(({ name }) => name);
}
