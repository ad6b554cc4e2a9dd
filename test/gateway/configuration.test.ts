import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canonicalJson, configHash, type GatewayConfig } from "../../src/gateway/config.ts";
import { idsOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { beginEvents, chatEvents, startUpstream, type Behaviour } from "../support/upstream.ts";

const swaps = Number(process.env["NEXUS_TEST_SWAPS"] ?? 1_000);

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await launchGateway();
});

afterAll(() => gateway.close());

async function askShort() {
  const response = await gateway.chat({});
  return { status: response.status, text: await response.text() };
}

async function askStream() {
  const body = JSON.stringify({ model: "echo", prompt: "x", stream: true });
  const response = await gateway.ask("/v1/completions", { method: "POST", body });
  return { status: response.status, text: await response.text() };
}

describe("configure", () => {
  test(`${swaps} swaps under load fail no request, cut no stream and leave no connection behind`, async () => {
    const peers = await Promise.all([startUpstream(), startUpstream(), startUpstream()]);
    const slowly: Behaviour = (_, response) => {
      beginEvents(response);
      const events = chatEvents(["one", "two", "three"]);
      const next = () => {
        const event = events.shift();
        if (event === undefined) return void response.end();
        response.write(event, () => setImmediate(next));
      };
      next();
    };
    for (const peer of peers) peer.behave({ "/v1/completions": slowly });
    const at = (peer: number, changes = {}) => upstreamAt(peers[peer]?.url ?? "", changes);
    const configs = [
      [at(0)],
      [at(0), at(1, { id: "added" })],
      [at(1)],
      [at(2, { max_concurrency: 2 }), at(1, { id: "added", provides: ["embedding"] })],
      [at(2), at(0, { id: "moved" }), at(1, { id: "added" })],
      [at(0, { id: "moved" }), at(2)],
    ];
    await gateway.configure(configs[0] ?? []);
    const failed: unknown[] = [];
    const watch = async (asking: ReturnType<typeof askShort>) => {
      const { status, text } = await asking;
      if (status !== 200 || !/\[DONE\]|"choices"/.test(text)) failed.push({ status, text });
    };
    const running: Promise<void>[] = [];
    for (let swap = 0; swap < swaps; swap += 1) {
      running.push(watch(askShort()), watch(askStream()));
      await gateway.configure(configs[swap % configs.length] ?? []);
      if (running.length > 8) await Promise.all(running.splice(0, 2));
    }
    await Promise.all(running);
    expect(failed).toEqual([]);
    await gateway.configure([]);
    for (const peer of peers)
      await expect.poll(() => peer.connections(), { timeout: 5_000 }).toBe(0);
    expect(await gateway.metric("nexus_in_flight_all")).toBe(0);
    await Promise.all(peers.map((peer) => peer.stop()));
  }, 120_000);

  test("a stream goes on while its upstream is replaced", async () => {
    const [old, young] = await Promise.all([
      startUpstream(["echo", "old"]),
      startUpstream(["echo", "young"]),
    ]);
    const hold = Promise.withResolvers<void>();
    old.behave({
      "/v1/chat/completions": async (_, response) => {
        beginEvents(response);
        response.write("data: {}\n\n");
        await hold.promise;
        response.end("data: [DONE]\n\n");
      },
    });
    await gateway.configure([upstreamAt(old.url)]);
    const stream = await gateway.chat({ stream: true });
    await gateway.configure([upstreamAt(young.url)]);
    expect((await gateway.chat({})).status).toBe(200);
    expect(young.received).toHaveLength(1);
    expect(await idsOf(await gateway.ask("/v1/models"))).toEqual(["echo", "young"]);
    hold.resolve();
    expect(await stream.text()).toContain("[DONE]");
    await Promise.all([old.stop(), young.stop()]);
  });

  test("what is in force survives a restart", async () => {
    const peer = await startUpstream(["kept"]);
    await gateway.configure([upstreamAt(peer.url)]);
    const again = await launchGateway({}, { data: gateway.data, withKey: false });
    const answer = await fetch(`${again.url}/v1/models`, {
      headers: { authorization: `Bearer ${gateway.key}` },
    });
    expect(await idsOf(answer)).toEqual(["kept"]);
    await again.close();
    await peer.stop();
  });

  test("a file that does not hold up is told and leaves the gateway alive", async () => {
    const again = await launchGateway();
    await writeFile(join(again.data, "config.json"), '{"version":2}');
    const broken = await launchGateway({}, { data: again.data, withKey: false });
    expect(broken.logText()).toContain("config.rejected");
    expect((await fetch(`${broken.url}/health`)).status).toBe(200);
    expect((await fetch(`${broken.url}/readyz`)).status).toBe(503);
    await broken.close();
    await again.close();
  });
});

describe("configHash", () => {
  test("does not depend on the order of keys, and depends on everything else", () => {
    const config: GatewayConfig = { version: 1, stack: "a", upstreams: [], aliases: { x: ["y"] } };
    const { aliases, ...rest } = config;
    expect(configHash({ aliases, ...rest })).toBe(configHash(config));
    expect(configHash({ ...config, stack: "b" })).not.toBe(configHash(config));
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
  });
});
