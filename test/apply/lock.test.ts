import fc from "fast-check";
import { expect, test } from "vitest";
import { InterruptedError, StackLockedError } from "../../src/apply/errors.ts";
import { breakLock, readLock, withStackLock } from "../../src/apply/lock.ts";
import type { Engine, Volumes } from "../../src/engine/engine.ts";
import { InMemoryEngine } from "../support/in-memory-engine.ts";
import { contend, placeDead, turn, volumesOf } from "./lock-subject.ts";

const up = { stack: "home", command: "nexus up" };

/** The engine with every call to its volumes going through `around`. */
function around(
  engine: InMemoryEngine,
  wrap: (call: keyof Volumes, run: () => Promise<unknown>, name: string) => Promise<unknown>,
): Engine {
  const { volumes } = engine;
  const through =
    (call: "create" | "inspect" | "list" | "remove") =>
    (subject: string | Readonly<{ name: string }>) =>
      wrap(
        call,
        () => (volumes[call].bind(volumes) as (subject: unknown) => Promise<unknown>)(subject),
        typeof subject === "string" ? subject : subject.name,
      );
  const calls = {
    create: through("create"),
    inspect: through("inspect"),
    list: through("list"),
    remove: through("remove"),
  };
  const wrapped = Object.assign(Object.create(volumes) as object, calls);
  return Object.assign(Object.create(engine) as Engine, { volumes: wrapped });
}

/** Answers take a number of turns that follows from the seed. */
function unevenly(engine: InMemoryEngine, seed: number): Engine {
  let state = seed;
  const pause = async () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    for (let left = state >>> 30; left > 0; left--) await turn();
  };
  return around(engine, async (_call, run) => {
    await pause();
    const answer = await run();
    await pause();
    return answer;
  });
}

test("of twenty contenders exactly one has the lock at any time, and none is left in the end", async () => {
  const engine = new InMemoryEngine();

  expect(await contend(engine, "home", { contenders: 20, times: 10 })).toBe(1);
  expect(await volumesOf(engine, "home")).toEqual([]);
});

test(
  "whatever died before, and however calls overlap, one at a time takes over and nothing is left",
  { timeout: 30_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 0, max: 3 }), async (seed, deaths) => {
        const engine = new InMemoryEngine();
        let dead = deaths > 0 ? await placeDead(engine, "home") : "";
        for (let left = deaths; left > 1; left--)
          dead = await placeDead(engine, "home", { claimOn: dead });

        const most = await contend(unevenly(engine, seed), "home", { contenders: 5, times: 2 });

        expect(most).toBe(1);
        expect(await volumesOf(engine, "home")).toEqual([]);
      }),
      { numRuns: 40 },
    );
  },
);

test("somebody who waited between seeing a dead owner and claiming its lock leaves a fresh lock alone", async () => {
  const engine = new InMemoryEngine();
  const dead = await placeDead(engine, "home");
  const [paused, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = around(engine, async (call, run, name) => {
    if (call === "create" && name.endsWith(dead)) {
      paused.resolve();
      await goOn.promise;
    }
    return run();
  });
  const late = withStackLock({ ...up, engine: slow }, async () => "late");
  await paused.promise;

  await withStackLock({ ...up, engine, command: "nexus restart" }, async () => {
    const fresh = await readLock(engine, "home");
    goOn.resolve();
    await expect(late).rejects.toThrow("`nexus restart`");
    expect(await readLock(engine, "home")).toEqual(fresh);
  });
});

test("a claim whose holder died after it had removed the lock is cleared away by the next one", async () => {
  const engine = new InMemoryEngine();
  await placeDead(engine, "home", { claimOn: "0000" });
  await placeDead(engine, "homestead", { claimOn: "0000" });

  await withStackLock({ ...up, engine }, async () => undefined);

  expect(await volumesOf(engine, "home")).toEqual([]);
  expect(await volumesOf(engine, "homestead")).toHaveLength(1);
});

test.each([
  ["on another host", { host: "elsewhere" }],
  ["on another host of the same name", { machine: "0123456789abcdef", boot: "another" }],
])(
  "a lock held %s is not taken: the error names the holder, and `unlock` releases it",
  async (_, owner) => {
    const engine = new InMemoryEngine();
    await placeDead(engine, "home", { owner: { ...owner, user: "ann", pid: "7" } });
    const attempt = withStackLock({ ...up, engine }, async () => "done");

    const error = await attempt.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StackLockedError);
    expect(error).toMatchObject({ exitCode: 5, message: expect.stringContaining("ann on") });

    expect(await breakLock(engine, "home")).toMatchObject({ user: "ann", pid: 7 });
    expect(await withStackLock({ ...up, engine }, async () => "done")).toBe("done");
  },
);

test("a lock from before this machine was started anew is taken over", async () => {
  const engine = new InMemoryEngine();
  await placeDead(engine, "home", { owner: { boot: "an earlier one", pid: String(process.pid) } });

  expect(await withStackLock({ ...up, engine }, async () => "done")).toBe("done");
});

test("the number of a process that died belongs to nobody's lock when another process has it now", async () => {
  const engine = new InMemoryEngine();
  await placeDead(engine, "home", { owner: { pid: String(process.pid), processStart: "1" } });

  expect(await withStackLock({ ...up, engine }, async () => "done")).toBe("done");
});

test("who lost the lock to `unlock` does not release the next holder's", async () => {
  const engine = new InMemoryEngine();
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = withStackLock({ ...up, engine }, async () => {
    begun.resolve();
    await end.promise;
  });
  await begun.promise;
  await breakLock(engine, "home");

  await withStackLock({ ...up, engine }, async () => {
    end.resolve();
    await first;
    expect(await readLock(engine, "home")).toBeDefined();
  });
  expect(await volumesOf(engine, "home")).toEqual([]);
});

test("who waits has the lock once it is released; who is interrupted meanwhile stops waiting", async () => {
  const engine = new InMemoryEngine();
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = withStackLock({ ...up, engine }, async () => {
    begun.resolve();
    await end.promise;
  });
  await begun.promise;
  const controller = new AbortController();
  const options = { ...up, engine, waitMs: 60_000 };
  const impatient = withStackLock({ ...options, signal: controller.signal }, async () => "had it");
  const patient = withStackLock(options, async () => "had it");

  controller.abort();
  await expect(impatient).rejects.toThrow(InterruptedError);
  end.resolve();
  await first;
  expect(await patient).toBe("had it");
});

test("the lock is released when the work fails, and the failure is the work's own even if it cannot be", async () => {
  const engine = new InMemoryEngine();
  const fail = async () => {
    throw new Error("the work failed");
  };

  await expect(withStackLock({ ...up, engine }, fail)).rejects.toThrow("the work failed");
  expect(await volumesOf(engine, "home")).toEqual([]);

  const stuck = around(engine, async (call, run) => {
    if (call === "remove") throw new Error("the engine is gone");
    return run();
  });
  await expect(withStackLock({ ...up, engine: stuck }, fail)).rejects.toThrow("the work failed");
});
