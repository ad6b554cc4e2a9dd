import { execa } from "execa";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ListedKey, UsageGrouping, UsageReport } from "../../src/gateway/protocol.ts";
import { launchGateway, mustSucceed, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { reply, startUpstream, type TestUpstream } from "../support/upstream.ts";

const main = join(import.meta.dirname, "../../src/gateway/main.ts");

let upstream: TestUpstream;
let data: string;

beforeEach(async () => {
  upstream = await startUpstream();
  data = await mkdtemp(join(tmpdir(), "nexus-gateway-"));
});

afterEach(async () => {
  await upstream.stop();
  await rm(data, { recursive: true, force: true });
});

describe("the report of usage", () => {
  test("tells requests, failures and tokens by key, model and service, and nothing before it began", async () => {
    await using scene = await launch();
    const { gateway, chatAs } = scene;
    const laptop = await gateway.addKey({ name: "laptop" });
    await chatAs(laptop);
    await chatAs(laptop);
    await chatAs(gateway.key, { model: "unknown" });
    await untilBooked(gateway, 3);

    expect((await report(gateway, "key")).rows).toMatchObject([
      { name: "laptop", requests: 2, failures: 0, input_tokens: 2, output_tokens: 2 },
      { name: "default", requests: 1, failures: 1, input_tokens: 0, output_tokens: 0 },
    ]);
    const names = async (by: UsageGrouping) => (await report(gateway, by)).rows.map(nameOf);
    expect(await names("model")).toEqual(["echo", ""]);
    expect(await names("service")).toEqual(["one", ""]);
    expect(await names("endpoint")).toEqual(["/v1/chat/completions"]);
    expect(await names("day")).toEqual([new Date().toISOString().slice(0, 10)]);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    expect((await report(gateway, "key", tomorrow)).rows).toEqual([]);
  });

  test("goes on after a restart, and so do a day's tokens and what is known of keys", async () => {
    let key: string;
    {
      await using scene = await launch();
      key = await scene.gateway.addKey({ name: "daily", limits: { tokens_per_day: 4 } });
      expect((await scene.chatAs(key)).status).toBe(200);
      expect((await scene.chatAs(key)).status).toBe(200);
    }
    await using again = await launch({ withKey: false });
    const refused = await again.chatAs(key);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("x-ratelimit-remaining-tokens")).toBe("0");
    await untilBooked(again.gateway, 3);
    expect((await report(again.gateway, "key")).rows).toMatchObject([
      { name: "daily", requests: 3, failures: 1, input_tokens: 2 },
    ]);
    const [first, second] = await keys(again.gateway);
    expect(first).toMatchObject({ name: "default" });
    expect(first).not.toHaveProperty("last_used_at");
    expect(Date.now() - Date.parse(second?.last_used_at ?? "")).toBeLessThan(60_000);
  });

  test("counts what a service's own interface is used for, and not that it is looked at", async () => {
    await using scene = await launch();
    const { gateway } = scene;
    const line = '{"done":true,"prompt_eval_count":26,"eval_count":298}\n';
    upstream.behave({
      "/api/chat": (_, response) => {
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        response.write('{"message":{"content":"hello"},"done":false}\n');
        response.end(line);
      },
      "/api/tags": (_, response) => void response.end('{"models":[]}'),
    });
    const key = await gateway.addKey({ name: "ops", scopes: ["admin"] });
    const headers = { authorization: `Bearer ${key}` };
    const root = `${gateway.url}/services/one`;
    await (await fetch(`${root}/api/tags`, { headers })).text();
    await (await fetch(`${root}/api/chat`, { method: "POST", body: "{}", headers })).text();
    await untilBooked(gateway, 1);
    expect((await report(gateway, "key")).rows).toMatchObject([
      { name: "ops", requests: 1, input_tokens: 26, output_tokens: 298 },
    ]);
  });

  test("counts an answer once, however often it is looked at again", async () => {
    await using scene = await launch();
    const { gateway } = scene;
    const usage = { input_tokens: 5, output_tokens: 6, total_tokens: 11 };
    const stored = JSON.stringify({ id: "resp_1", object: "response", status: "completed", usage });
    upstream.behave({
      "/v1/responses": (_, response) => reply(response, 200, stored),
      "/v1/responses/resp_1": (_, response) => reply(response, 200, stored),
    });
    const key = await gateway.addKey({ name: "ops", scopes: ["admin"] });
    const headers = { authorization: `Bearer ${key}` };
    const root = `${gateway.url}/services/one/v1/responses`;
    await (await fetch(root, { method: "POST", body: "{}", headers })).text();
    expect(await (await fetch(`${root}/resp_1`, { headers })).text()).toBe(stored);
    const metrics = async () => (await gateway.observe("/metrics")).text();
    await expect.poll(metrics).toMatch(/nexus_requests_total\{.*"\/services\/.* 2\n/);
    expect(await metrics()).toMatch(/nexus_tokens_total\{.*type="input"\} 5\n/);
    expect(await metrics()).toMatch(/nexus_tokens_total\{.*type="output"\} 6\n/);
  });

  test("a disk that does not take the books is told there and in the metrics, and serving goes on", async () => {
    await mkdir(join(data, "usage.db"));
    await using scene = await launch();
    const { gateway, chatAs } = scene;
    expect((await chatAs(gateway.key)).status).toBe(200);
    await untilBooked(gateway, 1);
    const { ledger, rows } = await report(gateway, "key");
    expect(ledger).toEqual({ state: "failing", reason: "it cannot be opened", unwritten: 1 });
    expect(rows).toMatchObject([{ name: "default", requests: 1 }]);
    const metrics = await (await gateway.observe("/metrics")).text();
    expect(metrics).toContain("nexus_usage_kept 0\n");
    expect(metrics).toContain("nexus_usage_unwritten_requests 1\n");
    expect(gateway.logText().match(/usage\.not_kept/g)).toHaveLength(1);

    await rm(join(data, "usage.db"), { recursive: true });
    expect((await report(gateway, "key")).ledger).toEqual({ state: "kept", unwritten: 0 });
  });

  test("loses to a kill no more than the last second", async () => {
    const { key } = await prepare();
    const environment = {
      NEXUS_GATEWAY_DATA: data,
      NEXUS_GATEWAY_SOCKET: join(data, "child.sock"),
      NEXUS_GATEWAY_API_PORT: "0",
      NEXUS_GATEWAY_OBSERVABILITY_PORT: "0",
      NEXUS_GATEWAY_HOST: "127.0.0.1",
    };
    const child = execa(process.execPath, [main], { env: environment, reject: false });
    const ports = await listening(child.stdout);
    await chat(`http://127.0.0.1:${ports.api_port}`, key);
    await expect
      .poll(
        async () => (await fetch(`http://127.0.0.1:${ports.observability_port}/metrics`)).text(),
        {
          timeout: 5_000,
        },
      )
      .toMatch(/nexus_requests_total\{.* 1\n[^]*nexus_usage_unwritten_requests 0\n/);
    child.kill("SIGKILL");
    await child;
    await using scene = await launch({ withKey: false });
    expect((await report(scene.gateway, "key")).rows).toMatchObject([{ requests: 1 }]);
  });

  test("a wish that makes no sense is refused", async () => {
    await using scene = await launch();
    const { control } = scene.gateway;
    for (const wish of [
      { since: "yesterday", by: "key" },
      { since: "2026-11-01T00:00:00Z", by: "x" },
    ]) {
      const line = await control.call({ op: "usage", ...wish } as never);
      expect(line.error?.code).toBe("invalid_request");
    }
  });
});

/** A gateway's data directory with a key and a configuration in it. */
async function prepare(): Promise<{ key: string }> {
  await using scene = await launch();
  return { key: scene.gateway.key };
}

async function launch(options: { withKey?: boolean } = {}) {
  const gateway = await launchGateway({}, { data, ...options });
  await gateway.configure([upstreamAt(upstream.url)]);
  return {
    gateway,
    chatAs: (key: string, body: object = {}) => chat(gateway.url, key, body),
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

async function chat(url: string, key: string, changes: object = {}): Promise<Response> {
  const body = JSON.stringify({ model: "echo", messages: [], ...changes });
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body, headers });
  await response.clone().text();
  return response;
}

async function report(
  { control }: TestGateway,
  by: UsageGrouping,
  since = "2026-01-01T00:00:00Z",
): Promise<UsageReport> {
  return (await mustSucceed(control.call({ op: "usage", since, by }))) as UsageReport;
}

const nameOf = ({ name }: Readonly<{ name: string }>) => name;

async function keys({ control }: TestGateway): Promise<readonly ListedKey[]> {
  return (await mustSucceed(control.call({ op: "keys.list" }))) as readonly ListedKey[];
}

/** A request is booked when its connection has been written out, a moment after its client has read it. */
async function untilBooked(gateway: TestGateway, requests: number): Promise<void> {
  const booked = async () =>
    (await report(gateway, "key")).rows.reduce((sum, row) => sum + row.requests, 0);
  await expect.poll(booked).toBe(requests);
}

type Ports = Readonly<{ api_port: number; observability_port: number }>;

/** The ports of a gateway that has begun to listen, as its log tells them. */
async function listening(output: AsyncIterable<unknown> | null): Promise<Ports> {
  let text = "";
  for await (const chunk of output ?? []) {
    text += String(chunk);
    const line = text.split("\n").find((each) => each.includes("gateway.listening"));
    if (line !== undefined && text.includes(`${line}\n`)) return JSON.parse(line) as Ports;
  }
  throw new Error(`It ended: ${text}`);
}
