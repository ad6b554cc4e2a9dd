import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mintKey } from "../../src/gateway/protocol.ts";
import {
  errorOf,
  launchGateway,
  mustSucceed,
  upstreamAt,
  type TestGateway,
} from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

describe("keys", () => {
  test("without any key the gateway serves nobody", async () => {
    await using scene = await launch({ withKey: false });
    const response = await scene.gateway.chat({});
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: "no_keys_configured" } });
    expect((await fetch(`${scene.gateway.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${scene.gateway.url}/health`)).status).toBe(200);
  });

  test.each([
    ["no header", {}],
    ["a wrong key", { authorization: "Bearer nx_wrong" }],
    ["another scheme", { authorization: "Basic bng6bng=" }],
    ["a key that is far too long", { authorization: `Bearer ${"x".repeat(4_000)}` }],
  ])("%s is 401 in OpenAI's shape and names the scheme", async (_, headers) => {
    await using scene = await launch();
    const response = await fetch(`${scene.gateway.url}/v1/models`, { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await errorOf(response)).toMatchObject({
      code: "invalid_api_key",
      param: null,
      message: expect.any(String),
    });
  });

  test("a key is in force at once, survives a restart, and is out of force at once", async () => {
    await using scene = await launch();
    const { gateway } = scene;
    const key = await gateway.addKey({ name: "second" });
    const asked = () => fetch(`${gateway.url}/v1/models`, { headers: bearer(key) });
    expect((await asked()).status).toBe(200);
    await using again = await launch({ data: gateway.data, withKey: false });
    const there = await fetch(`${again.gateway.url}/v1/models`, { headers: bearer(key) });
    expect(there.status).toBe(200);
    await mustSucceed(gateway.control.call({ op: "keys.remove", name: "second" }));
    expect((await asked()).status).toBe(401);
  });

  test("a replaced key is out of force in the moment its successor is in force", async () => {
    await using scene = await launch();
    const { gateway } = scene;
    const old = await gateway.addKey({ name: "app" });
    const made = mintKey({ name: "app", scopes: ["inference"] }, new Date());
    await mustSucceed(gateway.control.call({ op: "keys.replace", key: made.record }));

    const statusOf = async (key: string) =>
      (await fetch(`${gateway.url}/v1/models`, { headers: bearer(key) })).status;
    expect([await statusOf(old), await statusOf(made.key)]).toEqual([401, 200]);

    const nobody = mintKey({ name: "nobody", scopes: ["inference"] }, new Date());
    const refused = await gateway.control.call({ op: "keys.replace", key: nobody.record });
    expect(refused).toMatchObject({ error: { code: "key_unknown" } });
  });

  test("the file holds digests only and is readable by nobody else", async () => {
    await using scene = await launch();
    const file = join(scene.gateway.data, "keys.json");
    const text = await readFile(file, "utf8");
    expect(text).not.toContain(scene.gateway.key);
    expect(text).toMatch(/"sha256:[0-9a-f]{64}"/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("an expired key is refused", async () => {
    await using scene = await launch();
    const key = await scene.gateway.addKey({ name: "old", expires_at: "2020-01-01T00:00:00Z" });
    const response = await fetch(`${scene.gateway.url}/v1/models`, { headers: bearer(key) });
    expect(response.status).toBe(401);
  });

  test("a name is taken once, a missing one cannot be removed", async () => {
    await using scene = await launch();
    const { control } = scene.gateway;
    const key = mintKey({ name: "default", scopes: ["inference"] }, new Date()).record;
    const added = await control.call({ op: "keys.add", key });
    expect(added.error?.code).toBe("key_exists");
    const removed = await control.call({ op: "keys.remove", name: "nobody" });
    expect(removed.error?.code).toBe("key_unknown");
    const listed = await control.call({ op: "keys.list" });
    expect(listed.ok).toMatchObject([{ name: "default" }]);
  });

  test("many additions at once all hold", async () => {
    await using scene = await launch();
    const names = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    await Promise.all(names.map((name) => scene.gateway.addKey({ name })));
    const file = JSON.parse(await readFile(join(scene.gateway.data, "keys.json"), "utf8"));
    expect(file.keys).toHaveLength(21);
  });

  test("a file that cannot be read closes the gateway instead of opening it", async () => {
    await using scene = await launch();
    await writeFile(join(scene.gateway.data, "keys.json"), '{"keys":');
    await using again = await launch({ data: scene.gateway.data, withKey: false });
    const response = await fetch(`${again.gateway.url}/v1/models`, {
      headers: bearer(scene.gateway.key),
    });
    expect(response.status).toBe(503);
  });

  test("keys that this gateway cannot read, perhaps a newer one's, are moved aside and never overwritten", async () => {
    await using scene = await launch();
    const { data } = scene.gateway;
    const newer = '{"version":2,"keys":[{"name":"kept"}]}';
    await writeFile(join(data, "keys.json"), newer);
    await using again = await launch({ data, withKey: false });
    await again.gateway.addKey({ name: "first" });
    await again.gateway.addKey({ name: "second" });
    const aside = (await readdir(data)).filter((name) => name.includes("unread"));
    expect(aside).toHaveLength(1);
    expect(await readFile(join(data, aside[0] ?? ""), "utf8")).toBe(newer);
    expect(await readFile(join(data, "keys.json"), "utf8")).toContain('"second"');
  });

  test("a key that is planted everywhere is found in no answer, metric or log", async () => {
    await using scene = await launch();
    const { gateway } = scene;
    const planted = "nx_planted-canary-0123456789";
    const headers = { authorization: `Bearer ${planted}`, "x-api-key": planted, cookie: planted };
    const answers = [
      await gateway.ask(`/v1/models?key=${planted}`, { headers }),
      await gateway.ask("/v1/chat/completions", { method: "POST", body: planted }),
      await gateway.ask("/v1/chat/completions", { method: "POST", body: planted, headers }),
      await gateway.ask(`/nothing/${planted}`),
      await gateway.chat({ messages: [{ role: "user", content: "hello" }] }, {}),
      await gateway.observe("/metrics"),
      await gateway.observe("/readyz"),
    ];
    const text = await Promise.all(answers.map((answer) => answer.text()));
    expect(text.join("\n")).not.toContain("canary");
    expect(gateway.logText()).not.toContain("canary");
    expect(gateway.logText()).not.toContain(gateway.key);
    expect(text.join("\n")).not.toContain(gateway.key);
    const [received] = scene.upstream.received;
    expect(JSON.stringify(received)).not.toContain(gateway.key);
  });
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

async function launch(options: { data?: string; withKey?: boolean } = {}) {
  const upstream = await startUpstream();
  const gateway: TestGateway = await launchGateway({}, options);
  await gateway.configure([upstreamAt(upstream.url)]);
  return {
    gateway,
    upstream,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await upstream.stop();
    },
  };
}
