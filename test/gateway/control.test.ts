import { once } from "node:events";
import { stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { hostname } from "node:os";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configHash, gatewayConfigSchema } from "../../src/gateway/config.ts";
import type { ControlResult, ProbeReport } from "../../src/gateway/protocol.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import {
  beginEvents,
  deadUrl,
  reply,
  startUpstream,
  type TestUpstream,
} from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway();
  await gateway.configure([upstreamAt(upstream.url)]);
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const call: TestGateway["control"]["call"] = (...order) => gateway.control.call(...order);

describe("the control channel", () => {
  test("is a socket that only its owner can open", async () => {
    expect((await stat(gateway.socket)).mode & 0o777).toBe(0o600);
  });

  test("hello tells the build, the ports and the hash that the CLI computes", async () => {
    const upstreams = [upstreamAt(upstream.url)];
    const config = gatewayConfigSchema.parse({ version: 1, stack: "test", upstreams });
    expect((await call({ op: "hello" })).ok).toEqual({
      version: "0.0.0-source",
      config_hash: configHash(config),
      keys: 1,
      api_port: Number(new URL(gateway.url).port),
      observability_port: Number(new URL(gateway.observabilityUrl).port),
    });
  });

  test("status is the document of the observability port, says who speaks and lists models that no probe needs", async () => {
    const document = await (await gateway.observe("/readyz")).json();
    expect((await call({ op: "status" })).ok).toEqual(document);
    expect(document).toMatchObject({
      container: hostname(),
      services: [{ present_models: ["echo"] }],
    });
  });

  test("disk tells what is free where the gateway's volume lies", async () => {
    const { ok } = await call({ op: "disk" });
    const { free_bytes: free, total_bytes: total } = ok as ControlResult["disk"];
    expect(free).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(free);
  });

  test.each([
    ["is no JSON", "}{", 0, "malformed_line"],
    ["is no order", '{"id":7,"op":"destroy"}', 7, "invalid_request"],
    ["has a key too many", '{"id":8,"op":"hello","x":1}', 8, "invalid_request"],
    ["has no id", '{"op":"hello"}', 0, "invalid_request"],
  ])(
    "a line that %s is answered with an error, and the next one is served",
    async (_, line, id, code) => {
      const client = await gateway.connect();
      client.send(line);
      expect(await client.nextLine()).toMatchObject({ id, error: { code } });
      expect(await client.call({ op: "keys.list" })).toHaveProperty("ok");
      client.close();
    },
  );

  test("a configuration that does not hold up changes nothing", async () => {
    const before = (await call({ op: "hello" })).ok;
    const config = { version: 1 as const, stack: "x", upstreams: [], aliases: { a: [] } };
    expect((await call({ op: "configure", config })).error?.code).toBe("invalid_request");
    expect((await call({ op: "hello" })).ok).toEqual(before);
    expect((await gateway.chat({})).status).toBe(200);
  });
});

describe("watch", () => {
  test("tells each change until the upstream is ready", async () => {
    const watched = await startUpstream();
    watched.readiness.status = 503;
    const states: string[] = [];
    const watching = call(
      { op: "watch", upstream: upstreamAt(watched.url), until: "ready" },
      (told) => {
        const report = told as ProbeReport;
        states.push(report.state);
        if (watched.readiness.status === 503 && watched.readiness.body === "half") {
          watched.readiness.status = 200;
        }
        watched.readiness.body = "half";
      },
    );
    expect((await watching).ok).toMatchObject({ state: "ready", status: 200 });
    expect(states).toEqual(["loading", "loading", "ready"]);
    await watched.stop();
  });

  test("once it says ready, requests are routed there, whatever a look begun before comes to", async () => {
    const watched = await startUpstream();
    const { promise: later, resolve: answerLate } = Promise.withResolvers<void>();
    let looks = 0;
    watched.behave({
      "/readyz": async (_, response) => {
        if (++looks === 1) await later;
        reply(response, looks === 1 ? 500 : 200, "{}");
      },
    });
    const wanted = upstreamAt(watched.url, { id: "slow" });
    await gateway.configure([upstreamAt(upstream.url), wanted]);
    const report = await call({ op: "watch", upstream: wanted, until: "ready" });
    expect(report.ok).toMatchObject({ state: "ready" });
    expect((await gateway.chat({ model: "slow/echo" })).status).toBe(200);
    answerLate();
    expect((await gateway.chat({ model: "slow/echo" })).status).toBe(200);
    await gateway.configure([upstreamAt(upstream.url)]);
    await watched.stop();
  });

  test("once it says ready, the service's own metadata is known, whatever a look begun before waits for", async () => {
    const watched = await startUpstream();
    const { promise: later, resolve: answerLate } = Promise.withResolvers<void>();
    let looks = 0;
    watched.behave({
      "/v1/metadata": async (_, response) => {
        if (++looks === 1) await later;
        reply(response, 200, '{"schema_version":"v1","service":{"name":"its own"}}');
      },
    });
    const wanted = upstreamAt(watched.url, { id: "slow" });
    await gateway.configure([upstreamAt(upstream.url), wanted]);
    await call({ op: "watch", upstream: wanted, until: "ready" });
    const metadata = await (await gateway.observe("/services/slow/v1/metadata")).json();
    expect(metadata).toMatchObject({ service: { name: "its own" } });
    answerLate();
    await gateway.configure([upstreamAt(upstream.url)]);
    await watched.stop();
  });

  test("waits for the declared models and names the missing ones", async () => {
    const watched = await startUpstream(["other"]);
    const wanted = upstreamAt(watched.url, { models: ["echo"], probe: { models: "openai" } });
    const reports: ProbeReport[] = [];
    const watching = call({ op: "watch", upstream: wanted, until: "ready" }, (told) => {
      reports.push(told as ProbeReport);
      watched.models.push("echo");
    });
    expect((await watching).ok).toMatchObject({
      state: "ready",
      present_models: ["other", "echo"],
    });
    expect(reports[0]).toMatchObject({ state: "reachable", missing_models: ["echo"] });
    expect(reports[0]?.progress_token).not.toBe(reports[1]?.progress_token);
    await watched.stop();
  });

  test("that ends well is what status says from then on, even while an earlier look still waits", async () => {
    const watched = await startUpstream();
    let looks = 0;
    watched.behave({ "/probe": (_, response) => void (++looks > 1 && reply(response, 200, "{}")) });
    const hanging = upstreamAt(watched.url, { id: "hanging", probe: { path: "/probe" } });
    await gateway.configure([upstreamAt(upstream.url), hanging]);

    await call({ op: "watch", upstream: hanging, until: "ready" });

    expect((await call({ op: "status" })).ok).toMatchObject({ status: "ready" });
    await gateway.configure([upstreamAt(upstream.url)]);
    await watched.stop();
  });

  test("that ends well while its upstream is being configured counts there, too", async () => {
    const watched = await startUpstream();
    let looks = 0;
    const asked = Promise.withResolvers<void>();
    watched.behave({
      "/probe": (_, response) => {
        asked.resolve();
        if (++looks > 1) reply(response, 200, "{}");
      },
    });
    const hanging = upstreamAt(watched.url, { id: "hanging", probe: { path: "/probe" } });
    const configuring = gateway.configure([upstreamAt(upstream.url), hanging]);
    await asked.promise;

    await call({ op: "watch", upstream: hanging, until: "ready" });
    await configuring;

    expect((await call({ op: "status" })).ok).toMatchObject({ status: "ready" });
    await gateway.configure([upstreamAt(upstream.url)]);
    await watched.stop();
  });

  test("reports at least every second, and ends when it is cancelled", async () => {
    const wanted = upstreamAt(await deadUrl());
    const client = await gateway.connect();
    let told = 0;
    const watching = client.call(
      { op: "watch", upstream: wanted, until: "reachable" },
      (report) => {
        told += 1;
        expect(report).toMatchObject({
          state: "unreachable",
          detail: expect.stringContaining("refused the connection"),
        });
        if (told === 2) void client.call({ op: "cancel", request: 1 });
      },
    );
    expect((await watching).error?.code).toBe("cancelled");
    client.close();
  });

  test("of a client that has gone stops asking", async () => {
    const asked = Promise.withResolvers<void>();
    const watched = await startUpstream();
    watched.behave({ "/slow": () => asked.resolve() });
    const client = await gateway.connect();
    const wanted = upstreamAt(watched.url, { probe: { path: "/slow" } });
    void client.call({ op: "watch", upstream: wanted, until: "ready" });
    await asked.promise;
    client.close();
    await watched.untilAborts(1);
    expect(watched.aborts.count).toBe(1);
    await watched.stop();
  });
});

describe("drain", () => {
  test("waits for what is in flight at a url, counts it, and ends with the last byte", async () => {
    const hold = Promise.withResolvers<void>();
    upstream.behave({
      "/v1/chat/completions": async (_, response) => {
        beginEvents(response);
        response.write("data: {}\n\n");
        await hold.promise;
        response.end("data: [DONE]\n\n");
      },
    });
    const stream = await gateway.chat({ stream: true });
    const counts: unknown[] = [];
    const draining = call({ op: "drain", url: `${upstream.url}/` }, (told) => {
      counts.push(told);
      hold.resolve();
    });
    expect(await stream.text()).toContain("[DONE]");
    expect((await draining).ok).toEqual({ in_flight: 0 });
    expect(counts).toEqual([{ in_flight: 1 }]);
  });
});

describe("request", () => {
  test("passes the answer on in whole characters as it comes, whatever its status", async () => {
    upstream.behave({
      "/api/pull": ({ body }, response) => {
        response.writeHead(404, { "content-type": "application/x-ndjson" });
        const text = Buffer.from(`${body}\u00e4\n`);
        response.write(text.subarray(0, -2), () => response.end(text.subarray(-2)));
      },
    });
    const chunks: { status: number; chunk: string }[] = [];
    const wanted = upstreamAt(upstream.url);
    const order = { op: "request", upstream: wanted, method: "POST", path: "/api/pull" } as const;
    const result = await call({ ...order, body: { model: "x" } }, (told) => {
      chunks.push(told as (typeof chunks)[number]);
    });
    expect(result.ok).toEqual({ status: 404 });
    expect(chunks.map(({ chunk }) => chunk).join("")).toBe('{"model":"x"}\u00e4\n');
    expect(chunks[0]?.status).toBe(404);
  });

  test("passes bytes both ways as they are, with headers and the moment of each piece", async () => {
    const sent = Buffer.from([0, 255, 128, 10]);
    upstream.behave({
      "/v1/audio/transcriptions": ({ bytes, headers }, response) => {
        response.writeHead(200, { "content-type": "audio/wav", "x-kind": headers["content-type"] });
        response.write(Buffer.from([254, 255]), () => {
          setTimeout(() => response.end(bytes), 40);
        });
      },
    });
    const pieces: { bytes: string; at_ms: number }[] = [];
    const result = await call(
      {
        op: "request",
        upstream: upstreamAt(upstream.url),
        method: "POST",
        path: "/v1/audio/transcriptions",
        headers: { "Content-Type": "application/x-mine" },
        bytes: sent.toString("base64"),
        answer: "bytes",
      },
      (told) => pieces.push(told as (typeof pieces)[number]),
    );
    expect(result.ok).toMatchObject({
      status: 200,
      headers: { "content-type": "audio/wav", "x-kind": "application/x-mine" },
    });
    const [first, last] = [pieces[0], pieces.at(-1)];
    expect(Buffer.from(first?.bytes ?? "", "base64")).toEqual(Buffer.from([254, 255]));
    expect(Buffer.from(last?.bytes ?? "", "base64")).toEqual(sent);
    expect((last?.at_ms ?? 0) - (first?.at_ms ?? 0)).toBeGreaterThanOrEqual(30);
  });

  test("takes from the upstream no more than its client reads", async () => {
    const size = 64 * 1024 * 1024;
    const block = Buffer.alloc(65_536, "x");
    let sent = 0;
    const stalled = Promise.withResolvers<void>();
    upstream.behave({
      "/flood": async (_, response, aborted) => {
        AbortSignal.timeout(1_000).addEventListener("abort", () => stalled.resolve());
        for (; sent < size && !response.destroyed; sent += block.length) {
          if (!response.write(block)) await Promise.race([once(response, "drain"), aborted]);
        }
        stalled.resolve();
        response.end();
      },
    });
    const socket = createConnection(gateway.socket).pause();
    const wanted = upstreamAt(upstream.url);
    const order = { id: 1, op: "request", upstream: wanted, method: "GET", path: "/flood" };
    socket.write(`${JSON.stringify(order)}\n`);
    await stalled.promise;
    expect(sent).toBeLessThan(size / 2);
    let read = 0;
    for await (const line of createInterface({ input: socket })) {
      const { progress, ok } = JSON.parse(line);
      read += progress?.chunk.length ?? 0;
      if (ok) break;
    }
    expect(read).toBe(size);
    socket.destroy();
  });

  test("with a header that would become two is refused", async () => {
    const result = await call({
      op: "request",
      upstream: upstreamAt(upstream.url),
      method: "GET",
      path: "/",
      headers: { "x-mine": "a\r\nx-other: b" },
    });
    expect(result.error?.code).toBe("invalid_request");
  });

  test("of an upstream that is not there says so", async () => {
    const order = { op: "request", method: "GET", path: "/" } as const;
    const result = await call({ ...order, upstream: upstreamAt(await deadUrl()) });
    expect(result.error?.code).toBe("upstream_unavailable");
  });
});
