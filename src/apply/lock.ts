/**
 * One change at a time per stack and engine. The lock is a labelled volume on the engine itself: creating a
 * volume that exists gives back the existing one with its labels, which makes it an atomic compare-and-set.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Engine, ObservedVolume } from "../engine/engine.ts";
import { StackLockedError } from "./errors.ts";
import { isAlive, thisProcess } from "./owner.ts";

/** Who holds a stack's lock. */
export type LockOwner = Readonly<{
  nonce: string;
  host: string;
  /** Changes with every boot of the host. */
  boot: string;
  pid: number;
  /** Start time of the process in the kernel's own unit: a pid alone can be another process by now. */
  processStart: string;
  user: string;
  command: string;
  /** ISO 8601. */
  since: string;
}>;

const prefix = "io.nexus.lock.";
const lockName = (stack: string) => `nexus-lock-${stack}`;

/** Whether a volume is a lock of Nexus and not somebody's data. */
export const isLockVolume = (name: string) => name.startsWith("nexus-lock-");

/** Runs `work` while holding the stack's lock; throws {@link StackLockedError} when another process has it. */
export async function withStackLock<Result>(
  options: Readonly<{ engine: Engine; stack: string; command: string; waitMs?: number }>,
  work: () => Promise<Result>,
): Promise<Result> {
  const release = await acquire(options);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Who holds the lock of a stack now, if anybody does. */
export async function readLock(engine: Engine, stack: string): Promise<LockOwner | undefined> {
  const volume = await engine.volumes.inspect(lockName(stack));
  return volume && ownerOf(volume);
}

/** Takes a lock away from whoever holds it; resolves with the owner that lost it. */
export async function breakLock(engine: Engine, stack: string): Promise<LockOwner | undefined> {
  const owner = await readLock(engine, stack);
  if (owner) await engine.volumes.remove(lockName(stack));
  return owner;
}

async function acquire(
  options: Readonly<{ engine: Engine; stack: string; command: string; waitMs?: number }>,
): Promise<() => Promise<void>> {
  const { engine, stack, command, waitMs = 0 } = options;
  const me: LockOwner = {
    nonce: randomUUID(),
    ...(await thisProcess()),
    command,
    since: new Date().toISOString(),
  };
  const deadline = Date.now() + waitMs;
  for (;;) {
    const holder = await claim(engine, lockName(stack), stack, me);
    if (holder.nonce === me.nonce) return () => engine.volumes.remove(lockName(stack));
    if (await isDead(holder)) {
      await removeDead(engine, stack, holder, me);
    } else if (Date.now() >= deadline) {
      throw new StackLockedError(stack, holder);
    } else {
      await delay(250);
    }
  }
}

async function isDead(holder: LockOwner): Promise<boolean> {
  return (await isAlive(holder)) === "dead";
}

/**
 * Removes the lock of a dead owner. Only one process can hold the claim named after the dead owner's nonce,
 * and it looks again before it removes: a lock taken anew in the meantime has another nonce.
 */
async function removeDead(
  engine: Engine,
  stack: string,
  dead: LockOwner,
  me: LockOwner,
): Promise<void> {
  const claimName = `${lockName(stack)}-${dead.nonce}`;
  const winner = await claim(engine, claimName, stack, me);
  if (winner.nonce !== me.nonce) {
    if (await isDead(winner)) await engine.volumes.remove(claimName);
    await delay(25);
    return;
  }
  const current = await readLock(engine, stack);
  if (current?.nonce === dead.nonce) await engine.volumes.remove(lockName(stack));
  await engine.volumes.remove(claimName);
}

async function claim(
  engine: Engine,
  name: string,
  stack: string,
  me: LockOwner,
): Promise<LockOwner> {
  const labels = Object.fromEntries(
    Object.entries(me).map(([key, value]) => [`${prefix}${key}`, String(value)]),
  );
  return ownerOf(await engine.volumes.create({ name, stack, driverOpts: {}, labels }));
}

function ownerOf({ labels, createdAt }: ObservedVolume): LockOwner {
  const label = (key: string) => labels[`${prefix}${key}`] ?? "";
  return {
    nonce: label("nonce"),
    host: label("host"),
    boot: label("boot"),
    pid: Number(label("pid")),
    processStart: label("processStart"),
    user: label("user"),
    command: label("command"),
    since: label("since") || createdAt,
  };
}
