import { expect, test } from "vitest";
import { deriveOnThread, Hasher, HashingBusy } from "../../../src/gateway/users/hashing.ts";
import { passwordRounds } from "../../../src/gateway/user.ts";

/** Made by the system before Nexus: `hashlib.pbkdf2_hmac("sha256", b, bytes.fromhex(salt), 120000).hex()`. */
const old = {
  scheme: "pbkdf2-sha256",
  iterations: 120_000,
  salt: "00112233445566778899aabbccddeeff",
  hash: "d83b40fdab3bdd5eaac64723baf0e45480968fa498d48bcd8bf0f126b5accf4a",
} as const;

test("a hash that Python made is understood, letters beyond ASCII included", async () => {
  const hasher = new Hasher(deriveOnThread);
  expect(await hasher.isRight("Grüße, Welt!", old)).toBe(true);
  expect(await hasher.isRight("Grüße, Welt", old)).toBe(false);
});

test("a new hash has a salt of its own and is that of its password only", async () => {
  const hasher = new Hasher(deriveOnThread);
  const [one, other] = [
    await hasher.make("correct horse", 1_000),
    await hasher.make("correct horse", 1_000),
  ];
  expect(one.salt).toMatch(/^[0-9a-f]{32}$/);
  expect(one.salt).not.toBe(other.salt);
  expect([
    await hasher.isRight("correct horse", one),
    await hasher.isRight("correct", one),
  ]).toEqual([true, false]);
});

test("what is new costs what OWASP asks for", () => {
  expect(passwordRounds).toBeGreaterThanOrEqual(600_000);
});

test("two are hashed at once, others in their order, and too many are turned away", async () => {
  const hasher = new Hasher(deriveOnThread);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = Array.from({ length: 35 }, (_, index) =>
    hasher.inTurn(async () => {
      begun.push(index);
      await new Promise<void>((resolve) => void ends.push(resolve));
    }),
  );
  const last = all.at(-1);
  await expect(last).rejects.toBeInstanceOf(HashingBusy);
  expect(begun).toEqual([0, 1]);
  while (begun.length < 34 || ends.length > 0) {
    ends.shift()?.();
    await new Promise(setImmediate);
    expect(begun.length).toBeLessThanOrEqual(34);
    expect(ends.length).toBeLessThanOrEqual(2);
  }
  await Promise.all(all.slice(0, -1));
  expect(begun).toEqual(Array.from({ length: 34 }, (_, index) => index));
});

test("one that fails gives its place back", async () => {
  const hasher = new Hasher(deriveOnThread);
  const fails = () => hasher.inTurn(() => Promise.reject(new Error("no")));
  const failed = await Promise.allSettled([fails(), fails(), fails(), fails()]);
  expect(failed.map(({ status }) => status)).toEqual(Array(4).fill("rejected"));
  expect(await hasher.inTurn(async () => "again")).toBe("again");
});
