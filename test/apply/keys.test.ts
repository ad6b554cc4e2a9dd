import { mkdtemp, rm, stat, writeFile, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SecretMissingError } from "../../src/apply/errors.ts";
import { acceptKey } from "../../src/apply/existing-key.ts";
import {
  forgetKey,
  keyFile,
  LoosePermissionsError,
  readKey,
  saveKey,
  stageKey,
} from "../../src/apply/key-files.ts";
import {
  addKey,
  editKey,
  expiryAfter,
  InvalidExpiryError,
  InvalidKeyNameError,
  KeyNameTakenError,
  NothingToChangeError,
  removeKey,
  rotateKey,
  UnknownKeyError,
} from "../../src/apply/keys.ts";
import type { KeyRecord } from "../../src/gateway/protocol.ts";
import { keyDigest } from "../../src/gateway/protocol.ts";
import type { GatewayLink } from "../../src/readiness/gateway-link.ts";

/** A gateway that keeps keys in memory; `refuse` makes it refuse keys of that digest prefix. */
function keyGateway(options: Readonly<{ refuseNext?: number }> = {}) {
  const records: KeyRecord[] = [];
  let refusals = options.refuseNext ?? 0;
  const answer = (request: Parameters<GatewayLink["call"]>[0]): unknown => {
    if (request.op === "keys.list") return [...records];
    if (request.op === "keys.add") {
      if (refusals-- > 0) throw new Error("disk full");
      records.push(request.key);
    }
    if (request.op === "keys.replace") {
      if (refusals-- > 0) throw new Error("disk full");
      const at = records.findIndex(({ name }) => name === request.key.name);
      records.splice(at, 1, request.key);
    }
    if (request.op === "keys.remove") {
      records.splice(
        records.findIndex(({ name }) => name === request.name),
        1,
      );
    }
    return null;
  };
  const link = { call: async (request: Parameters<GatewayLink["call"]>[0]) => answer(request) };
  return { records, link: link as unknown as GatewayLink };
}

const wish = { name: "ci", scopes: ["inference"] as const };

test("a new key reaches the gateway as a digest only", async () => {
  const { link, records } = keyGateway();
  const { key, record } = await addKey(link, wish);
  expect(key).toMatch(/^nx_[\w-]{32,}$/);
  expect(records).toEqual([record]);
  expect(record.digest).toBe(keyDigest(key));
  expect(JSON.stringify(records)).not.toContain(key);
});

test("a name is given once", async () => {
  const { link } = keyGateway();
  await addKey(link, wish);
  await expect(addKey(link, wish)).rejects.toBeInstanceOf(KeyNameTakenError);
});

test.each(["", "my laptop", "../ci", "a".repeat(65)])(
  "a name that no key can have is told before anything is made: '%s'",
  async (name) => {
    const { link } = keyGateway();
    const stage = () => Promise.reject(new Error("staged"));
    await expect(addKey(link, { ...wish, name }, { stage })).rejects.toBeInstanceOf(
      InvalidKeyNameError,
    );
  },
);

test("a rotated key keeps its rights, and the old one is gone", async () => {
  const { link, records } = keyGateway();
  const old = await addKey(link, {
    ...wish,
    models: ["a"],
    expires_at: "2030-01-01T00:00:00.000Z",
  });
  const fresh = await rotateKey(link, "ci");
  expect(records).toEqual([fresh.record]);
  expect(fresh.key).not.toBe(old.key);
  expect(fresh.record).toMatchObject({ models: ["a"], expires_at: "2030-01-01T00:00:00.000Z" });
});

test("when the gateway refuses the new key, the old one stays", async () => {
  const { link, records } = keyGateway();
  const old = await addKey(link, wish);
  const refusing = keyGateway({ refuseNext: 1 });
  refusing.records.push(old.record);
  await expect(rotateKey(refusing.link, "ci")).rejects.toThrow("disk full");
  expect(refusing.records).toEqual(records);
});

test("removing what is not there names what is", async () => {
  const { link } = keyGateway();
  await addKey(link, wish);
  await expect(removeKey(link, "cj")).rejects.toThrow(UnknownKeyError);
  await expect(removeKey(link, "cj")).rejects.toThrow("it has ci");
});

test("an expiry is a span from now", () => {
  const now = new Date("2026-01-01T00:00:00Z");
  expect(expiryAfter("30d", now)).toBe("2026-01-31T00:00:00.000Z");
  expect(expiryAfter("12h", now)).toBe("2026-01-01T12:00:00.000Z");
  for (const wrong of ["", "30", "d", "0d", "-1d", "1m"]) {
    expect(() => expiryAfter(wrong, now)).toThrow(InvalidExpiryError);
  }
});

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-keys-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("a saved key is for its owner alone, and can be replaced and forgotten", async () => {
  const file = await saveKey(folder, "ci", "nx_one");
  await saveKey(folder, "ci", "nx_two");
  expect(file).toBe(keyFile(folder, "ci"));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, ".nexus/secrets"))).mode & 0o777).toBe(0o700);
  expect(await readKey(file)).toBe("nx_two");
  await forgetKey(folder, "ci");
  expect(await readKey(file)).toBeUndefined();
});

test("a key that others can read is refused", async () => {
  const file = join(folder, "loose.key");
  await writeFile(file, "nx_one\n");
  await chmod(file, 0o644);
  await expect(readKey(file)).rejects.toThrow(LoosePermissionsError);
});

test("a key that cannot be saved never comes into force", async () => {
  const { link, records } = keyGateway();
  await writeFile(join(folder, ".nexus"), "a file where a folder is needed");
  const stage = (key: string) => stageKey(folder, "ci", key);

  await expect(addKey(link, wish, { stage })).rejects.toThrow(/ENOTDIR|EEXIST/);
  expect(records).toEqual([]);
});

test("the saved key is replaced only when the gateway has the new one", async () => {
  const { link, records } = keyGateway({ refuseNext: 0 });
  const stage = (key: string) => stageKey(folder, "ci", key);
  const first = await addKey(link, wish, { stage });
  const refusing = keyGateway({ refuseNext: 1 });
  refusing.records.push(...records);

  await expect(rotateKey(refusing.link, "ci", { stage })).rejects.toThrow("disk full");
  expect(await readKey(keyFile(folder, "ci"))).toBe(first.key);
  const second = await rotateKey(link, "ci", { stage });
  expect(await readKey(keyFile(folder, "ci"))).toBe(second.key);
  expect(second.file).toBe(keyFile(folder, "ci"));
});

test("an edited key is the same key; what is not named stays, and null lifts what limits it", async () => {
  const { link, records } = keyGateway();
  const limits = { requests_per_minute: 10, tokens_per_day: 500 };
  const { record } = await addKey(link, { ...wish, models: ["a"], limits });
  await editKey(link, "ci", { limits: { requests_per_minute: null, tokens_per_minute: 7 } });
  expect(records).toEqual([{ ...record, limits: { tokens_per_minute: 7, tokens_per_day: 500 } }]);
  await editKey(link, "ci", {
    scopes: ["admin"],
    models: null,
    expires_at: "2030-01-01T00:00:00.000Z",
    limits: { tokens_per_minute: null, tokens_per_day: null },
  });
  const { models: _models, limits: _limits, ...bare } = record;
  const changed = { scopes: ["admin"], expires_at: "2030-01-01T00:00:00.000Z" };
  expect(records).toEqual([{ ...bare, ...changed }]);
  await expect(editKey(link, "nobody", { models: ["a"] })).rejects.toBeInstanceOf(UnknownKeyError);
  await expect(editKey(link, "ci", {})).rejects.toBeInstanceOf(NothingToChangeError);
});

test("an edited key was last used when it was last used", async () => {
  const { link, records } = keyGateway();
  await addKey(link, wish);
  const used = { last_used_at: "2026-11-01T00:00:00.000Z" };
  Object.assign(records[0] ?? {}, used);
  expect(await editKey(link, "ci", { models: ["a"] })).toMatchObject(used);
  expect(records[0]).not.toHaveProperty("last_used_at");
});

test("a key keeps the addresses that it is limited to until an edit lifts them", async () => {
  const { link, records } = keyGateway();
  const allowed_ips = ["127.0.0.1", "fd00::/8"];
  await addKey(link, { ...wish, allowed_ips });
  await rotateKey(link, "ci");
  await editKey(link, "ci", { limits: { max_request_bytes: 1024 } });
  expect(records).toMatchObject([{ allowed_ips, limits: { max_request_bytes: 1024 } }]);
  await editKey(link, "ci", { allowed_ips: null });
  expect(records[0]).not.toHaveProperty("allowed_ips");
});

test("a rotated key keeps its limits", async () => {
  const { link } = keyGateway();
  const limits = { tokens_per_day: 500 };
  await addKey(link, { ...wish, limits });
  expect((await rotateKey(link, "ci")).record).toMatchObject({ limits });
});

describe("a key that exists already", () => {
  test("is accepted with its digest, and once only", async () => {
    const { link, records } = keyGateway();
    await saveKey(folder, "old", "a-token-that-clients-have");
    const accept = () => acceptKey(link, { ...wish, name: "old" }, { folder });
    const { record } = await accept();
    await accept();
    expect(records).toEqual([record]);
    expect(record).toMatchObject({ digest: keyDigest("a-token-that-clients-have"), hint: "a-to" });
  });

  test("is refused under a name that another one has, and where there is none", async () => {
    const { link } = keyGateway();
    await addKey(link, wish);
    await saveKey(folder, "ci", "a-token-that-clients-have");
    await expect(acceptKey(link, wish, { folder })).rejects.toBeInstanceOf(KeyNameTakenError);
    const missing = acceptKey(link, { ...wish, name: "none" }, { folder });
    await expect(missing).rejects.toBeInstanceOf(SecretMissingError);
  });
});
