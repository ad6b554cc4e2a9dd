import { expect, test } from "vitest";
import { findApiKeys, findUsers } from "../../../src/migrate/ai-infra/people.ts";
import { keyName } from "../../../src/gateway/protocol.ts";

const at = { host: "ai2", file: "/var/lib/gateway/data/users.sqlite" };
const now = new Date("2026-02-01T00:00:00Z");
const user = {
  username: "ada",
  password_hash: "ab".repeat(32),
  password_salt: "cd".repeat(16),
  created_ts: 1_765_000_000,
  disabled: 0,
};
const key = {
  id: "k1",
  name: "laptop",
  username: "ada",
  disabled: 0,
  token_hash: "ef".repeat(32),
  token_hint: "gk_live0...c6Ba",
  revoked_ts: null,
  expires_ts: null,
  policy_json: "{}",
};

test("users are read with and without the column that makes admins", () => {
  const { users = [] } = findUsers([user, { ...user, username: "eve", admin: 1, disabled: 1 }], at);
  expect(users.map(({ name, admin, disabled }) => [name, admin, disabled])).toEqual([
    ["ada", false, false],
    ["eve", true, true],
  ]);
  expect(users[0]).toMatchObject({ createdAt: "2025-12-06T05:46:40.000Z" });
  expect(users[0]?.hash.reveal()).toBe("ab".repeat(32));
});

test("a user without a hash of the old gateway's is told, and the others are kept", () => {
  const { users, notUnderstood } = findUsers([{ ...user, password_hash: "$2b$bcrypt" }, user], at);
  expect(users).toHaveLength(1);
  expect(notUnderstood).toMatchObject([{ what: "users.ada" }]);
  expect(JSON.stringify(notUnderstood)).not.toContain("bcrypt");
});

test("an API key is named after its user, and its name is one that a key can have", () => {
  const rows = [key, key, { ...key, name: "schlüssel für ü/ö".repeat(9) }, { ...key, name: "" }];
  const { tokens = [] } = findApiKeys(rows, at, now);
  expect(tokens.map(({ name }) => name).slice(0, 2)).toEqual(["ada.laptop", "ada.laptop-2"]);
  for (const { name } of tokens) expect(name).toMatch(keyName);
  expect(new Set(tokens.map(({ name }) => name)).size).toBe(4);
});

test("keys that were revoked, have expired or belong to a disabled user are refused", () => {
  const past = 1_765_000_000;
  const rows = [
    { ...key, revoked_ts: past },
    { ...key, expires_ts: past },
    { ...key, expires_ts: past + 10_000_000 },
    { ...key, disabled: 1 },
  ];
  const { tokens = [] } = findApiKeys(rows, at, now);
  expect(tokens.map(({ refused }) => refused)).toEqual([
    "it was revoked",
    "it expired at 2025-12-06T05:46:40.000Z",
    undefined,
    "its user is disabled",
  ]);
  expect(tokens[2]).toMatchObject({ expiresAt: "2026-03-31T23:33:20.000Z" });
});

test("a policy that a key brings is read, and one that is broken is told", () => {
  const rows = [
    { ...key, policy_json: '{"ip_allowlist":"10.0.0.0/8","tools_allowlist":"noop"}' },
    { ...key, policy_json: "{" },
  ];
  const { tokens, notUnderstood } = findApiKeys(rows, at, now);
  expect(tokens?.[0]).toMatchObject({
    hint: "gk_live",
    policy: { ipAllowlist: ["10.0.0.0/8"], tools: { tools_allowlist: "noop" } },
  });
  expect(notUnderstood).toHaveLength(1);
});
