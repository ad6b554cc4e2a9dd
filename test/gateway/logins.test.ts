import { pbkdf2Sync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mintKey } from "../../src/gateway/protocol.ts";
import type { UserRecord } from "../../src/gateway/user.ts";
import { deriveOnThread, Hasher } from "../../src/gateway/users/hashing.ts";
import { errorOf, jsonOf, launchGateway, mustSucceed, upstreamAt } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

const password = "correct horse battery";

/** As the system before Nexus kept it. */
const imported = (name: string, changes: Partial<UserRecord> = {}): UserRecord => {
  const salt = "00112233445566778899aabbccddeeff";
  const hash = pbkdf2Sync(password, Buffer.from(salt, "hex"), 120_000, 32, "sha256").toString(
    "hex",
  );
  const made = { scheme: "pbkdf2-sha256", iterations: 120_000, salt, hash } as const;
  const rest = { admin: false, disabled: false, created_at: "2026-01-01T00:00:00Z" };
  return { name, password: made, ...rest, ...changes };
};

type Answer = Readonly<{
  object: string;
  token: string;
  expires_at: string;
  user: Readonly<{ name: string; admin: boolean }>;
}>;

describe("a user", () => {
  test("of an old installation logs in with the old password and uses the API until the session ends", async () => {
    await using scene = await launch();
    const { gateway, logIn, models } = scene;
    await scene.add(imported("ada"));
    const response = await logIn("Ada", password);
    expect(response.status).toBe(201);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const { token, ...told } = await jsonOf<Answer>(response);
    expect(told).toEqual({
      object: "session",
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      user: { name: "ada", admin: false },
    });
    const headers = bearer(token);
    expect((await gateway.chat({}, { headers })).status).toBe(200);
    const current = await gateway.ask("/v1/sessions/current", { headers });
    expect([current.status, await current.json()]).toEqual([200, told]);
    const ended = await gateway.ask("/v1/sessions/current", { method: "DELETE", headers });
    expect([ended.status, await ended.json()]).toEqual([200, { object: "session", deleted: true }]);
    const refused = await models(headers);
    expect(refused.status).toBe(401);
    expect(await errorOf(refused)).toMatchObject({ code: "invalid_session" });
  });

  test("logs in where old clients did, and sends the session in either header", async () => {
    await using scene = await launch();
    await scene.add(imported("ada"));
    const response = await scene.logIn("ada", password, "/ui/api/auth/login");
    expect(response.status).toBe(201);
    const { token } = await jsonOf<Answer>(response);
    for (const headers of [bearer(token), { "x-session-token": token }]) {
      expect((await scene.models(headers)).status).toBe(200);
    }
    const both = { ...bearer(scene.gateway.key), "x-session-token": token };
    expect((await scene.models(both)).status).toBe(401);
    expect((await scene.models({ "x-session-token": scene.gateway.key })).status).toBe(401);
    await scene.gateway.chat({}, { headers: { authorization: "", "x-session-token": token } });
    expect(scene.upstream.received).toHaveLength(1);
    expect(JSON.stringify(scene.upstream.received)).not.toContain(token);
  });

  test("stays logged in when the gateway starts again, and keys or none make no difference", async () => {
    await using scene = await launch({ withKey: false });
    await scene.add(imported("ada"));
    const { token } = await jsonOf<Answer>(await scene.logIn("ada", password));
    await using again = await launch({ withKey: false, data: scene.gateway.data });
    expect((await again.models(bearer(token))).status).toBe(200);
    expect((await again.models({})).status).toBe(503);
  });

  test("may administer only as an admin, from the moment on that this is so", async () => {
    await using scene = await launch();
    await scene.add(imported("ada"));
    const { token } = await jsonOf<Answer>(await scene.logIn("ada", password));
    const native = () => scene.gateway.ask("/services/one/v1/models", { headers: bearer(token) });
    expect((await native()).status).toBe(403);
    const { password: _password, ...ada } = imported("ada", { admin: true });
    await mustSucceed(scene.gateway.control.call({ op: "users.replace", user: ada }));
    expect((await native()).status).toBe(200);
    const headers = { authorization: "", "x-session-token": token };
    expect((await scene.gateway.ask("/services/one/v1/models", { headers })).status).toBe(200);
    expect(JSON.stringify(scene.upstream.received)).not.toContain(token);
  });

  test("pays under a name that no key can have", async () => {
    await using scene = await launch();
    await scene.add(imported("ada"));
    const { token } = await jsonOf<Answer>(await scene.logIn("ada", password));
    await scene.gateway.chat({}, { headers: bearer(token) });
    const order = { op: "usage", since: "2026-01-01T00:00:00Z", by: "key" } as const;
    const usage = await scene.gateway.control.call(order);
    expect(usage.ok).toMatchObject({ rows: [{ name: "user:ada", requests: 1 }] });
    const { record } = mintKey({ name: "user:ada", scopes: ["inference"] }, new Date());
    const refused = await scene.gateway.control.call({ op: "keys.add", key: record });
    expect(refused.error?.code).toBe("invalid_request");
  });

  test.each(["disabled", "removed", "given another password"])(
    "who is %s is out at once",
    async (what) => {
      await using scene = await launch();
      const { control } = scene.gateway;
      await scene.add(imported("ada"));
      const { token } = await jsonOf<Answer>(await scene.logIn("ada", password));
      expect((await scene.models(bearer(token))).status).toBe(200);
      const { password: _password, ...ada } = imported("ada");
      const other = await new Hasher(deriveOnThread).make("another one", 1_000);
      if (what === "removed") await mustSucceed(control.call({ op: "users.remove", name: "ada" }));
      else if (what === "disabled")
        await mustSucceed(control.call({ op: "users.replace", user: { ...ada, disabled: true } }));
      else
        await mustSucceed(control.call({ op: "users.replace", user: { ...ada, password: other } }));
      expect((await scene.models(bearer(token))).status).toBe(401);
      expect((await scene.logIn("ada", password)).status).toBe(401);
    },
  );
});

describe("a login that fails", () => {
  test("says the same of a wrong name and a wrong password, then tells the time to wait", async () => {
    await using scene = await launch();
    await scene.add(imported("ada"));
    const failures: unknown[] = [];
    for (const name of ["ada", "nobody"]) {
      const response = await scene.logIn(name, "wrong");
      failures.push([response.status, await response.json()]);
    }
    expect(failures[0]).toEqual(failures[1]);
    expect(failures[0]).toMatchObject([401, { error: { code: "invalid_credentials" } }]);
    for (let time = 0; time < 4; time += 1) await scene.logIn("nobody", "wrong");
    const refused = await scene.logIn("nobody", "wrong");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(25);
    expect(await errorOf(refused)).toMatchObject({ code: "too_many_logins" });
    expect((await scene.logIn("ada", password)).status).toBe(201);
    const counted = await scene.gateway.metric('nexus_auth_failures_total{reason="credentials"}');
    expect(counted).toBe(6);
  });

  test.each([
    ["no JSON", "{", 400],
    ["no password", '{"username":"ada"}', 400],
    ["a number for a name", '{"username":1,"password":"x"}', 400],
    ["far too much", JSON.stringify({ username: "ada", password: "x".repeat(20_000) }), 413],
  ])("for %s says so", async (_, body, status) => {
    await using scene = await launch();
    const response = await fetch(`${scene.gateway.url}/v1/sessions`, { method: "POST", body });
    expect(response.status).toBe(status);
  });

  test("leaves the gateway answering others while it is being checked", async () => {
    await using scene = await launch();
    const guesses = ["a", "b", "c", "d"].map((name) => scene.logIn(name, "wrong"));
    const finished: string[] = [];
    const all = Promise.all(guesses).then(() => finished.push("guesses"));
    const health = await fetch(`${scene.gateway.url}/health`);
    finished.push("health");
    expect(health.status).toBe(200);
    await all;
    expect(finished).toEqual(["health", "guesses"]);
  });
});

test("a key has no session, and a session that never was is refused", async () => {
  await using scene = await launch();
  const response = await scene.gateway.ask("/v1/sessions/current");
  expect([response.status, (await errorOf(response))["code"]]).toEqual([404, "session_not_found"]);
  expect((await scene.models(bearer(`ns_${"x".repeat(43)}`))).status).toBe(401);
  expect((await scene.models(bearer("ns_short"))).status).toBe(401);
  const wrong = await scene.gateway.ask("/v1/sessions");
  expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
});

test("the control channel takes whole users only, never lists a hash, and says what it refuses", async () => {
  await using scene = await launch();
  const { control } = scene.gateway;
  const ada = imported("ada");
  await scene.add(ada);
  await scene.add(ada);
  const listed = await control.call({ op: "users.list" });
  expect(listed.ok).toEqual([
    { name: "ada", admin: false, disabled: false, created_at: ada.created_at, sessions: 0 },
  ]);
  const again = await control.call({ op: "users.add", user: { ...ada, admin: true } });
  expect(again.error?.code).toBe("user_exists");
  const nobody = await control.call({ op: "users.remove", name: "nobody" });
  expect(nobody.error?.code).toBe("user_unknown");
  for (const wrong of [
    { ...ada, name: "Ada" },
    { ...ada, name: "a:b" },
    { ...ada, password: { ...ada.password, hash: "00" } },
    { ...ada, password: { ...ada.password, iterations: 1 } },
  ]) {
    const refused = await control.call({ op: "users.add", user: wrong });
    expect(refused.error?.code).toBe("invalid_request");
    expect(refused.error?.message).not.toContain(ada.password.hash);
  }
});

test("a file of users that cannot be read locks no key out", async () => {
  await using scene = await launch();
  await scene.add(imported("ada"));
  await writeFile(join(scene.gateway.data, "users.json"), '{"users":');
  await using again = await launch({ data: scene.gateway.data, withKey: false });
  expect((await again.models(bearer(scene.gateway.key))).status).toBe(200);
  expect((await again.logIn("ada", password)).status).toBe(401);
  expect(again.gateway.logText()).toContain("users.rejected");
});

test("a password and a session's token are in no file, log line, metric or answer to anybody else", async () => {
  await using scene = await launch();
  await scene.add(imported("ada"));
  const { token } = await jsonOf<Answer>(await scene.logIn("ada", password));
  await scene.logIn("ada", `${password} wrong`);
  const answers = [
    await scene.gateway.chat({}, { headers: bearer(token) }),
    await scene.gateway.ask("/v1/sessions/current", { headers: bearer(token) }),
    await scene.gateway.observe("/metrics"),
    await scene.gateway.observe("/readyz"),
  ];
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  for (const file of ["users.json", "sessions.json"]) {
    texts.push(await readFile(join(scene.gateway.data, file), "utf8"));
  }
  const all = [...texts, scene.gateway.logText()].join("\n");
  expect(all).not.toContain(token);
  expect(all).not.toContain(password);
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function launch(options: { data?: string; withKey?: boolean } = {}) {
  const upstream = await startUpstream();
  const gateway = await launchGateway({}, options);
  await gateway.configure([upstreamAt(upstream.url)]);
  return {
    gateway,
    upstream,
    add: (user: UserRecord) => mustSucceed(gateway.control.call({ op: "users.add", user })),
    logIn: (username: string, secret: string, path = "/v1/sessions") =>
      fetch(gateway.url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ username, password: secret }),
      }),
    models: (headers: Record<string, string>) => fetch(`${gateway.url}/v1/models`, { headers }),
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await upstream.stop();
    },
  };
}
