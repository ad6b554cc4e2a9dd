import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PasswordRecord, UserRecord } from "../../../src/gateway/user.ts";
import { canonicalUserName, userName } from "../../../src/gateway/user.ts";
import { sessionMs } from "../../../src/gateway/users/sessions.ts";
import { UserBook, UserRefused } from "../../../src/gateway/users/user-book.ts";

const now = Date.parse("2026-11-23T12:00:00Z");

const passwordOf = (digit: string): PasswordRecord => ({
  scheme: "pbkdf2-sha256",
  iterations: 120_000,
  salt: digit.repeat(32),
  hash: digit.repeat(64),
});

const ada: UserRecord = {
  name: "ada",
  password: passwordOf("a"),
  admin: false,
  disabled: false,
  created_at: "2026-01-01T00:00:00Z",
};
const bob: UserRecord = { ...ada, name: "bob", admin: true };

/** A folder for a book, which can be opened again and again. */
async function shelf() {
  const folder = await mkdtemp(join(tmpdir(), "nexus-users-"));
  const files = { users: join(folder, "users.json"), sessions: join(folder, "sessions.json") };
  const unread: unknown[] = [];
  const open = (at = now) =>
    UserBook.open({ ...files, onUnread: (error) => void unread.push(error) }, at);
  const end = () => rm(folder, { recursive: true, force: true });
  return { folder, files, unread, open, [Symbol.asyncDispose]: end };
}

const sessionOf = async (book: UserBook, user: UserRecord, at = now): Promise<string> => {
  const begun = await book.beginSession(user, at);
  return begun?.token ?? "";
};

describe("users", () => {
  test("outlive the process, in a file that is nobody else's", async () => {
    await using place = await shelf();
    await (await place.open()).add(ada);
    expect((await place.open()).find("ada")).toEqual(ada);
    expect((await stat(place.files.users)).mode & 0o777).toBe(0o600);
  });

  test("are listed without anything of their passwords", async () => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    const { password: _password, ...shown } = ada;
    expect(book.listed(now)).toEqual([{ ...shown, sessions: 0 }]);
  });

  test("can be added once more as they are, also after their password was hashed anew, and not otherwise", async () => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    await book.add({ ...ada, password: { ...ada.password } });
    await book.remake(ada, passwordOf("b"));
    await (await place.open()).add(ada);
    await book.add(ada);
    expect(book.find("ada")?.password).toMatchObject({ hash: "b".repeat(64) });
    for (const other of [{ admin: true }, { password: passwordOf("c") }, { disabled: true }]) {
      await expect(book.add({ ...ada, ...other })).rejects.toMatchObject({ code: "user_exists" });
    }
  });

  test("that are not there can be neither changed nor removed", async () => {
    await using place = await shelf();
    const book = await place.open();
    await expect(book.replace(ada)).rejects.toBeInstanceOf(UserRefused);
    await expect(book.remove("ada")).rejects.toMatchObject({ code: "user_unknown" });
  });

  test("many that are added at once are all there", async () => {
    await using place = await shelf();
    const book = await place.open();
    const names = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    await Promise.all(names.map((name) => book.add({ ...ada, name })));
    expect((await place.open()).listed(now).map(({ name }) => name)).toEqual(names);
  });

  test("that this gateway cannot read are moved aside by the first change, and never overwritten", async () => {
    await using place = await shelf();
    const newer = '{"version":2,"users":[]}';
    await writeFile(place.files.users, newer);
    const book = await place.open();
    expect(place.unread).toHaveLength(1);
    expect(book.listed(now)).toEqual([]);
    await book.add(ada);
    await book.add(bob);
    const aside = (await readdir(place.folder)).filter((name) => name.includes("unread"));
    expect(aside).toHaveLength(1);
    expect(await readFile(join(place.folder, aside[0] ?? ""), "utf8")).toBe(newer);
    expect((await place.open()).find("bob")).toEqual(bob);
  });
});

describe("sessions", () => {
  test("outlive the process as digests, and end after twelve hours", async () => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    const token = await sessionOf(book, ada);
    expect(await readFile(place.files.sessions, "utf8")).not.toContain(token);
    expect((await stat(place.files.sessions)).mode & 0o777).toBe(0o600);
    const again = await place.open();
    expect(again.findSession(token, now + sessionMs - 1)?.user).toEqual(ada);
    expect(again.findSession(token, now + sessionMs)).toBeUndefined();
    expect(sessionMs).toBe(12 * 60 * 60 * 1000);
  });

  test("that have expired are gone from the file at the next login and at the next start", async () => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    await sessionOf(book, ada);
    const later = now + sessionMs + 1;
    const token = await sessionOf(book, ada, later);
    const { sessions } = JSON.parse(await readFile(place.files.sessions, "utf8"));
    expect(sessions).toHaveLength(1);
    expect((await place.open(later)).findSession(token, later)).toBeDefined();
    expect((await place.open(later + sessionMs)).listed(later)[0]?.sessions).toBe(0);
  });

  test.each([
    ["disabled", (book: UserBook) => book.replace({ ...ada, disabled: true })],
    ["removed", (book: UserBook) => book.remove("ada")],
    [
      "given another password",
      (book: UserBook) => book.replace({ ...ada, password: passwordOf("d") }),
    ],
  ])("of a user who is %s end at once and for good, and nobody else's", async (_, change) => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    await book.add(bob);
    const [hers, his] = [await sessionOf(book, ada), await sessionOf(book, bob)];
    await change(book);
    expect(book.findSession(hers, now)).toBeUndefined();
    expect(book.findSession(his, now)).toBeDefined();
    const again = await place.open();
    if (again.find("ada")) await again.replace(ada);
    else await again.add(ada);
    expect(again.findSession(hers, now)).toBeUndefined();
    expect(again.findSession(his, now)).toBeDefined();
  });

  test("go on when their user is changed in another way", async () => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    const token = await sessionOf(book, ada);
    const { password: _password, ...change } = ada;
    await book.replace({ ...change, admin: true });
    expect(book.findSession(token, now)?.user).toEqual({ ...ada, admin: true });
    await book.replace(ada);
    expect(book.findSession(token, now)?.user).toEqual(ada);
  });

  test("end even where the disk does not take the change, which is then refused", async () => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    const token = await sessionOf(book, ada);
    // A folder where the file is prepared: the write fails, whoever runs this.
    await mkdir(`${place.files.sessions}.tmp`);
    await expect(book.replace({ ...ada, disabled: true })).rejects.toMatchObject({
      code: "EISDIR",
    });
    expect(book.findSession(token, now)).toBeUndefined();
    expect(book.find("ada")).toEqual(ada);
  });

  test("are lost with their file, and their users are not", async () => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    await sessionOf(book, ada);
    await writeFile(place.files.sessions, "{");
    await chmod(place.files.sessions, 0o600);
    const again = await place.open();
    expect(again.listed(now)).toMatchObject([{ name: "ada", sessions: 0 }]);
    expect(await sessionOf(again, ada)).toMatch(/^ns_/);
  });

  test("are fifty for one user at most; the oldest ends first", async () => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    const tokens: string[] = [];
    for (let index = 0; index < 52; index += 1)
      tokens.push(await sessionOf(book, ada, now + index));
    const alive = tokens.map((token) => book.findSession(token, now + 60) !== undefined);
    expect(alive.indexOf(true)).toBe(2);
    expect(book.listed(now + 60)[0]?.sessions).toBe(50);
  });

  test("that end while others begin stay ended", async () => {
    await using place = await shelf();
    const book = await place.open();
    await book.add(ada);
    const first = await book.beginSession(ada, now);
    const begin = Promise.all([1, 2, 3].map(() => book.beginSession(ada, now)));
    if (first) await book.endSession(first.session);
    await begin;
    expect(book.findSession(first?.token ?? "", now)).toBeUndefined();
    expect((await place.open()).findSession(first?.token ?? "", now)).toBeUndefined();
    expect(book.listed(now)[0]?.sessions).toBe(3);
  });
});

describe("names", () => {
  test("are compared without case, spaces around them, or ways to write a letter", () => {
    expect(canonicalUserName("  Zoë ")).toBe(canonicalUserName("ZOE\u0308"));
    for (const good of ["ada", "a.b@example.org", "zoë", "_x", "li wei", "李雷"]) {
      expect(good).toMatch(userName);
    }
    for (const bad of ["", "-x", " a", "a ", "a\nb", "a\u001b[31m", "a:b", "x".repeat(65)]) {
      expect(bad).not.toMatch(userName);
    }
  });

  test("have one canonical form, which no further pass changes", () => {
    const isKept = (text: string) => canonicalUserName(text) === text;
    const once = fc.string({ unit: "grapheme", maxLength: 8 }).map(canonicalUserName);
    expect(fc.check(fc.property(once, isKept), { numRuns: 1_000 }).failed).toBe(false);
  });
});
