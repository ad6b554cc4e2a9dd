import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canonicalJson, configHash, type GatewayConfig } from "../../src/gateway/config.ts";
import { idsOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { beginEvents, startUpstream } from "../support/upstream.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await launchGateway();
});

afterAll(() => gateway.close());

describe("configure", () => {
  test("two hundred swaps under load fail no request and cut no stream", async () => {
    const peers = await Promise.all([startUpstream(), startUpstream()]);
    const configs = peers.flatMap(({ url }) => [
      [upstreamAt(url)],
      [upstreamAt(url), upstreamAt(url, { id: "extra", provides: ["rerank"] })],
    ]);
    await gateway.configure(configs[0] ?? []);
    const swapping = new AbortController();
    const load = Array.from({ length: 8 }, async (_, client) => {
      const failed: unknown[] = [];
      while (!swapping.signal.aborted) {
        const response = await gateway.chat({ stream: client % 2 === 0 });
        const text = await response.text();
        if (response.status !== 200 || !/\[DONE\]|"choices"/.test(text)) failed.push(text);
      }
      return failed;
    });
    for (let swap = 0; swap < 200; swap += 1) {
      await gateway.configure(configs[swap % configs.length] ?? []);
    }
    swapping.abort();
    expect((await Promise.all(load)).flat()).toEqual([]);
    await Promise.all(peers.map((peer) => peer.stop()));
  }, 60_000);

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
