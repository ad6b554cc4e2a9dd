import { hash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { passwordRounds, type UserRecord } from "../../../src/gateway/user.ts";
import { FrontDesk } from "../../../src/gateway/users/front-desk.ts";
import { Hasher, type Derive } from "../../../src/gateway/users/hashing.ts";
import { UserBook } from "../../../src/gateway/users/user-book.ts";

const visitor = { peer: "192.0.2.1", hasLeft: () => false };
const old = 120_000;

/** A desk with its book, whose hashing costs nothing and is counted. */
async function openDesk() {
  const folder = await mkdtemp(join(tmpdir(), "nexus-desk-"));
  const files = { users: join(folder, "users.json"), sessions: join(folder, "sessions.json") };
  const unread: unknown[] = [];
  const book = await UserBook.open({ ...files, onUnread: (error) => void unread.push(error) }, 0);
  let rounds = 0;
  let whenDerived = async () => {};
  const derive: Derive = async (password, salt, count) => {
    rounds += count;
    await whenDerived();
    return hash("sha256", `${password}\n${salt.toString("hex")}\n${count}`, "buffer");
  };
  const clock = { now: Date.parse("2026-11-23T12:00:00Z") };
  const notRemade: unknown[] = [];
  const onNotRemade = (error: unknown) => void notRemade.push(error);
  const desk = new FrontDesk({ book, derive, now: () => clock.now, onNotRemade });
  const hasher = new Hasher(derive);
  return {
    book,
    clock,
    logIn: (username: string, password: string, how = visitor) =>
      desk.logIn({ username, password }, how),
    /** How many rounds of hashing something takes. */
    roundsOf: async (work: () => Promise<unknown>) => {
      rounds = 0;
      await work();
      return rounds;
    },
    whileDeriving: (change: () => Promise<void>) => {
      whenDerived = async () => {
        whenDerived = async () => {};
        await change();
      };
    },
    add: async (
      name: string,
      password: string,
      changes: Partial<UserRecord> & { rounds?: number } = {},
    ) => {
      const { rounds: iterations = passwordRounds, ...rest } = changes;
      const made = await hasher.make(password, iterations);
      const kept = { admin: false, disabled: false, created_at: "2026-01-01T00:00:00Z" };
      const user = { name, password: made, ...kept, ...rest };
      await book.add(user);
      return user;
    },
    hashOf: (password: string) => hasher.make(password, passwordRounds),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

test("whoever logs in gets a token that is found again, by their name in any spelling", async () => {
  await using scene = await openDesk();
  await scene.add("ada", "correct horse");
  for (const name of ["ada", "ADA", " Ada "]) {
    const login = await scene.logIn(name, "correct horse");
    expect(login).toMatchObject({ kind: "begun", user: { name: "ada" } });
    const token = login.kind === "begun" ? login.begun.token : "";
    expect(token).toMatch(/^ns_[\w-]{43}$/);
    expect(scene.book.findSession(token, scene.clock.now)).toMatchObject({ user: { name: "ada" } });
  }
});

test("an unknown name, a wrong password and a disabled user are one answer that costs the same, whatever the record", async () => {
  await using scene = await openDesk();
  await scene.add("new", "correct horse");
  await scene.add("old", "correct horse", { rounds: old });
  await scene.add("off", "correct horse", { disabled: true });
  const attempts = [
    ["nobody", "correct horse"],
    ["new", "wrong"],
    ["old", "wrong"],
    ["off", "correct horse"],
    ["off", "wrong"],
  ] as const;
  for (const [name, password] of attempts) {
    const rounds = await scene.roundsOf(async () => {
      expect(await scene.logIn(name, password)).toEqual({ kind: "refused" });
    });
    expect([name, rounds]).toEqual([name, passwordRounds]);
  }
});

test("a user whose hash takes more rounds than ours does not stand out either", async () => {
  await using scene = await openDesk();
  await scene.add("slow", "correct horse", { rounds: 2 * passwordRounds });
  for (const name of ["slow", "nobody"]) {
    expect(await scene.roundsOf(() => scene.logIn(name, "wrong"))).toBe(2 * passwordRounds);
  }
});

test("an old hash is made anew at the first login that succeeds, and ends no session", async () => {
  await using scene = await openDesk();
  const record = await scene.add("ada", "correct horse", { rounds: old });
  await scene.logIn("ada", "wrong");
  expect(scene.book.find("ada")).toEqual(record);
  const first = await scene.logIn("ada", "correct horse");
  const remade = scene.book.find("ada");
  expect(remade?.password).toMatchObject({
    iterations: passwordRounds,
    remade_from: record.password.salt,
  });
  expect((await scene.logIn("ada", "correct horse")).kind).toBe("begun");
  expect(scene.book.find("ada")).toEqual(remade);
  const token = first.kind === "begun" ? first.begun.token : "";
  expect(scene.book.findSession(token, scene.clock.now)).toBeDefined();
});

test("two first logins at once both succeed", async () => {
  await using scene = await openDesk();
  await scene.add("ada", "correct horse", { rounds: old });
  const logins = await Promise.all([1, 2, 3].map(() => scene.logIn("ada", "correct horse")));
  expect(logins.map(({ kind }) => kind)).toEqual(["begun", "begun", "begun"]);
});

test.each(["a new password", "disabling", "removing"])(
  "%s while a login is being checked leaves nobody logged in",
  async (change) => {
    await using scene = await openDesk();
    const user = await scene.add("ada", "correct horse");
    const password = await scene.hashOf("another one");
    scene.whileDeriving(async () => {
      if (change === "removing") await scene.book.remove("ada");
      else if (change === "disabling") await scene.book.replace({ ...user, disabled: true });
      else await scene.book.replace({ ...user, password });
    });
    expect(await scene.logIn("ada", "correct horse")).toEqual({ kind: "refused" });
    expect(scene.book.listed(scene.clock.now).map(({ sessions }) => sessions)).not.toContain(1);
  },
);

test("after five failures a name has to wait, known or not, and the right password does not help", async () => {
  await using scene = await openDesk();
  await scene.add("ada", "correct horse");
  for (const name of ["ada", "nobody"]) {
    for (let time = 0; time < 5; time += 1) {
      expect(await scene.logIn(name, "wrong")).toEqual({ kind: "refused" });
    }
    const rounds = await scene.roundsOf(async () => {
      expect(await scene.logIn(name.toUpperCase(), "correct horse")).toEqual({
        kind: "wait",
        ms: 30_000,
      });
    });
    expect(rounds).toBe(0);
  }
  scene.clock.now += 30_000;
  expect((await scene.logIn("ada", "correct horse")).kind).toBe("begun");
  expect(await scene.logIn("ada", "wrong")).toEqual({ kind: "refused" });
});

test("a hundred guesses at once are no more than five", async () => {
  await using scene = await openDesk();
  await scene.add("ada", "correct horse");
  const guesses = Array.from({ length: 100 }, (_, index) => scene.logIn("ada", `guess ${index}`));
  const kinds = (await Promise.all(guesses)).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "refused")).toHaveLength(5);
  expect(kinds.filter((kind) => kind === "wait")).toHaveLength(95);
});

test("many failures from one peer make it wait under any name, and nobody else", async () => {
  await using scene = await openDesk();
  await scene.add("ada", "correct horse");
  for (let index = 0; index < 50; index += 1) await scene.logIn(`name-${index}`, "wrong");
  expect((await scene.logIn("ada", "correct horse")).kind).toBe("wait");
  const elsewhere = { ...visitor, peer: "192.0.2.2" };
  expect((await scene.logIn("ada", "correct horse", elsewhere)).kind).toBe("begun");
  scene.clock.now += 60_000;
  expect((await scene.logIn("ada", "correct horse")).kind).toBe("begun");
});

test("more logins at once than can be checked soon are turned away, and count against nobody", async () => {
  await using scene = await openDesk();
  await scene.add("ada", "correct horse");
  const from = (index: number) => ({ ...visitor, peer: `192.0.2.${index % 200}` });
  const logins = Array.from({ length: 60 }, (_, index) =>
    scene.logIn(`name-${index}`, "x", from(index)),
  );
  const kinds = (await Promise.all(logins)).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "busy").length).toBeGreaterThan(0);
  expect((await scene.logIn("ada", "correct horse")).kind).toBe("begun");
});

test("for a client that has left nothing is hashed", async () => {
  await using scene = await openDesk();
  await scene.add("ada", "correct horse");
  const rounds = await scene.roundsOf(async () => {
    const gone = { ...visitor, hasLeft: () => true };
    expect(await scene.logIn("ada", "correct horse", gone)).toEqual({ kind: "left" });
  });
  expect(rounds).toBe(0);
});
