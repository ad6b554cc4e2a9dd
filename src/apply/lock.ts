/**
 * One change at a time per stack and engine. The lock is a labelled volume on the engine itself: creating a
 * volume that exists gives back the existing one with its labels, which makes it an atomic compare-and-set.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Engine, ObservedVolume } from "../engine/engine.ts";
import { InterruptedError, StackLockedError } from "./errors.ts";
import { isAlive, thisProcess } from "./owner.ts";

/** Who holds a stack's lock. */
export type LockOwner = Readonly<{
  nonce: string;
  host: string;
  /** Tells hosts of the same name apart. */
  machine: string;
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
const stackLabel = "io.nexus.stack";
const lockName = (stack: string) => `nexus-lock-${stack}`;
const claimName = (stack: string, nonce: string) => `${lockName(stack)}-${nonce}`;

export type LockOptions = Readonly<{
  engine: Engine;
  stack: string;
  /** As the user typed it. */
  command: string;
  /** How long to wait for a lock that somebody else holds, in milliseconds; not at all by default. */
  waitMs?: number;
  /** Ends the waiting. */
  signal?: AbortSignal;
}>;

/**
 * Runs `work` while holding the stack's lock. Throws {@link StackLockedError} when another process has it, and
 * {@link InterruptedError} when the signal aborts before it is had.
 */
export async function withStackLock<Result>(
  options: LockOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const me = await acquire(options);
  try {
    return await work();
  } finally {
    // One that cannot be released now is taken over by the next command, once this process has ended.
    await release(options, me).catch(() => undefined);
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

/** Removes a lock that a process left behind which died with its work done; any other lock is left alone. */
export async function clearDeadLock(
  options: LockOptions,
  volumes: readonly ObservedVolume[],
): Promise<void> {
  const left = volumes.find(({ name }) => name === lockName(options.stack));
  if (!left || !(await isDead(ownerOf(left)))) return;
  await withStackLock({ ...options, waitMs: 0 }, async () => undefined).catch((error: unknown) => {
    // Somebody else has taken it over meanwhile, and will release it.
    if (!(error instanceof StackLockedError)) throw error;
  });
}

async function acquire({
  engine,
  stack,
  command,
  waitMs = 0,
  signal,
}: LockOptions): Promise<LockOwner> {
  const me: LockOwner = {
    nonce: randomUUID(),
    ...(await thisProcess()),
    command,
    since: new Date().toISOString(),
  };
  const deadline = Date.now() + waitMs;
  for (;;) {
    if (signal?.aborted) throw new InterruptedError();
    const holder = await claim({ engine, stack, name: lockName(stack) }, me);
    if (holder.nonce === me.nonce) return me;
    if (await isDead(holder))
      await removeDead({ engine, stack, name: lockName(stack) }, holder, me);
    else if (Date.now() >= deadline) throw new StackLockedError(stack, holder);
    else await delay(250, undefined, signal && { signal }).catch(() => undefined);
  }
}

/** Gives up our own lock, and nobody else's: `nexus unlock` may have taken it from us. */
async function release({ engine, stack }: LockOptions, me: LockOwner): Promise<void> {
  await sweepClaims(engine, stack);
  const current = await readLock(engine, stack);
  if (current?.nonce === me.nonce) await engine.volumes.remove(lockName(stack));
}

/** Removes what was left by processes that died while they took over from another one that had died. */
async function sweepClaims(engine: Engine, stack: string): Promise<void> {
  const volumes = await engine.volumes.list(`${stackLabel}=${stack}`);
  for (const volume of volumes.filter(({ name }) => name.startsWith(claimName(stack, "")))) {
    if (await isDead(ownerOf(volume))) await engine.volumes.remove(volume.name);
  }
}

async function isDead(holder: LockOwner): Promise<boolean> {
  return (await isAlive(holder)) === "dead";
}

/** A volume that at most one process holds: the lock, or the claim to remove the lock of a dead owner. */
type Held = Readonly<{ engine: Engine; stack: string; name: string }>;

/**
 * Removes what a dead owner holds. Only one process can hold the claim named after the dead owner's nonce, and it
 * looks again before it removes: what was taken anew in the meantime has another nonce. A claim whose own holder
 * died is removed the same way, so that of two processes that find it only one goes on.
 */
async function removeDead(held: Held, dead: LockOwner, me: LockOwner): Promise<void> {
  const claimed = { ...held, name: claimName(held.stack, dead.nonce) };
  const winner = await claim(claimed, me);
  if (winner.nonce !== me.nonce) {
    if (await isDead(winner)) await removeDead(claimed, winner, me);
    else await delay(25);
    return;
  }
  const { volumes } = held.engine;
  const current = await volumes.inspect(held.name);
  if (current && ownerOf(current).nonce === dead.nonce) await volumes.remove(held.name);
  await volumes.remove(claimed.name);
}

async function claim({ engine, name, stack }: Held, me: LockOwner): Promise<LockOwner> {
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
    machine: label("machine"),
    boot: label("boot"),
    pid: Number(label("pid")),
    processStart: label("processStart"),
    user: label("user"),
    command: label("command"),
    since: label("since") || createdAt,
  };
}
