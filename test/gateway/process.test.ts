import { execa } from "execa";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mintKey } from "../../src/gateway/protocol.ts";
import { upstreamAt } from "../support/gateway.ts";
import { beginEvents, startUpstream, type TestUpstream } from "../support/upstream.ts";

const main = join(import.meta.dirname, "../../src/gateway/main.ts");

let data: string;
let upstream: TestUpstream;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "nexus-gateway-"));
  upstream = await startUpstream();
});

afterEach(async () => {
  await upstream.stop();
  await rm(data, { recursive: true, force: true });
});

const environment = () => ({
  NEXUS_GATEWAY_DATA: data,
  NEXUS_GATEWAY_SOCKET: join(data, "control.sock"),
  NEXUS_GATEWAY_API_PORT: "0",
  NEXUS_GATEWAY_OBSERVABILITY_PORT: "0",
  NEXUS_GATEWAY_HOST: "127.0.0.1",
});

const run = (settings: Readonly<Record<string, string>> = {}) =>
  execa(process.execPath, [main], { env: { ...environment(), ...settings }, reject: false });

/** Speaks to the gateway as the CLI does: through the bridge, one line per order. */
async function order(...orders: readonly object[]) {
  const input = orders.map((one, index) => JSON.stringify({ id: index + 1, ...one })).join("\n");
  const bridge = execa(process.execPath, [main, "control"], {
    env: environment(),
    input: `${input}\n`,
  });
  const { stdout } = await bridge;
  const lines = stdout.split("\n").map((line) => JSON.parse(line));
  return lines.toSorted((a, b) => a.id - b.id).map(({ ok, error }) => error ?? ok);
}

/** Configures a running gateway and returns how to ask it. */
async function prepare() {
  const { key, record } = mintKey({ name: "default", scopes: ["inference"] }, new Date());
  const upstreams = [upstreamAt(upstream.url)];
  const config = { version: 1, stack: "test", upstreams, aliases: {} };
  const [hello] = await order(
    { op: "hello" },
    { op: "keys.add", key: record },
    { op: "configure", config },
  );
  const body = JSON.stringify({ model: "echo", stream: true, messages: [] });
  const headers = { authorization: `Bearer ${key}` };
  const chat = () =>
    fetch(`http://127.0.0.1:${hello.api_port}/v1/chat/completions`, {
      method: "POST",
      body,
      headers,
    });
  return { chat };
}

/** Streams that end when they are told to. */
function holdStreams() {
  const hold = Promise.withResolvers<void>();
  upstream.behave({
    "/v1/chat/completions": async (_, response) => {
      beginEvents(response);
      response.write("data: {}\n\n");
      await hold.promise;
      response.end("data: [DONE]\n\n");
    },
  });
  return hold.resolve;
}

async function draining(gateway: ReturnType<typeof run>): Promise<void> {
  await new Promise<void>((resolve) => {
    gateway.stdout.on("data", (text) => String(text).includes("gateway.draining") && resolve());
  });
}

describe("the gateway's process", () => {
  test("takes orders through the bridge as soon as it runs, and ends on SIGTERM with 0", async () => {
    const gateway = run();
    const { chat } = await prepare();
    expect(await (await chat()).text()).toContain("[DONE]");
    gateway.kill("SIGTERM");
    const { exitCode, stdout } = await gateway;
    expect(exitCode).toBe(0);
    for (const line of stdout.split("\n")) expect(JSON.parse(line)).toHaveProperty("event");
  });

  test("on SIGTERM lets fifty live streams finish within the grace period", async () => {
    const finish = holdStreams();
    const gateway = run();
    const { chat } = await prepare();
    const streams = await Promise.all(Array.from({ length: 50 }, chat));
    const begun = draining(gateway);
    gateway.kill("SIGTERM");
    await begun;
    finish();
    const texts = await Promise.all(streams.map((stream) => stream.text()));
    expect([...new Set(texts)]).toEqual(["data: {}\n\ndata: [DONE]\n\n"]);
    expect((await gateway).exitCode).toBe(0);
  });

  test("after the grace period ends streams with a reason and without [DONE]", async () => {
    holdStreams();
    const gateway = run({ NEXUS_GATEWAY_GRACE_MS: "200" });
    const { chat } = await prepare();
    const stream = await chat();
    gateway.kill("SIGTERM");
    const text = await stream.text();
    expect(text).toContain('"code":"shutting_down"');
    expect(text).not.toContain("[DONE]");
    expect((await gateway).exitCode).toBe(0);
  });

  test("whose socket nobody serves is said by the bridge in one line", async () => {
    const env = { ...environment(), NEXUS_GATEWAY_CONTROL_MS: "100" };
    const bridge = await execa(process.execPath, [main, "control"], { env, reject: false });
    expect(bridge.exitCode).toBe(1);
    expect(bridge.stderr).toContain("control.sock");
  });

  test("its API is reached through the bridge where its port is not", async () => {
    const gateway = run();
    const [hello] = await order({ op: "hello" });
    const { stdout } = await execa(process.execPath, [main, "api"], {
      env: { ...environment(), NEXUS_GATEWAY_API_PORT: String(hello.api_port) },
      input: "GET /health HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n",
    });
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK/);
    gateway.kill("SIGTERM");
    await gateway;
  });

  test("says which setting is no number", async () => {
    const gateway = await run({ NEXUS_GATEWAY_GRACE_MS: "soon" });
    expect(gateway.exitCode).toBe(1);
    expect(gateway.stderr).toContain('NEXUS_GATEWAY_GRACE_MS must be a whole number, not "soon"');
  });
});
