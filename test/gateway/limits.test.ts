import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { answersIn, sendRaw } from "../support/raw-client.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanUps.splice(0).toReversed()) await clean();
});

async function launch(
  environment: Record<string, string>,
): Promise<Readonly<{ gateway: TestGateway; upstream: TestUpstream }>> {
  const upstream = await startUpstream();
  cleanUps.push(upstream.stop);
  const gateway = await launchGateway(environment);
  cleanUps.push(gateway.close);
  await gateway.configure([upstreamAt(upstream.url)]);
  return { gateway, upstream };
}

async function connect(url: string): Promise<Socket> {
  const socket = createConnection({ host: "127.0.0.1", port: Number(new URL(url).port) });
  socket.on("error", () => {});
  cleanUps.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Writes a byte at a time until the gateway has had enough, and returns what it says. */
async function drip(url: string, head: string, drop: string): Promise<string> {
  const socket = await connect(url);
  let text = "";
  socket.on("data", (data) => (text += data.toString()));
  socket.write(head);
  const drops = setInterval(() => socket.write(drop), 10);
  await once(socket, "close");
  clearInterval(drops);
  return text;
}

const codeOf = (text: string) => {
  const [answer] = answersIn(text);
  return [answer?.status, JSON.parse(answer?.body ?? "{}").error.code];
};

const headOf = ({ key }: TestGateway) =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer ${key}\r\n`;

describe("a client that", () => {
  test("sends its headers a byte at a time is told so and hung up on", async () => {
    const { gateway } = await launch({ NEXUS_GATEWAY_CLIENT_HEAD_MS: "150" });
    const text = await drip(gateway.url, headOf(gateway), "x");
    expect(codeOf(text)).toEqual([408, "request_timeout"]);
    expect((await gateway.chat({})).status).toBe(200);
  });

  test("sends its body a byte at a time is told so, and no upstream hears of it", async () => {
    const { gateway, upstream } = await launch({
      NEXUS_GATEWAY_CLIENT_HEAD_MS: "150",
      NEXUS_GATEWAY_CLIENT_REQUEST_MS: "150",
    });
    const text = await drip(gateway.url, `${headOf(gateway)}content-length: 99999\r\n\r\n`, " ");
    expect(codeOf(text)).toEqual([408, "request_timeout"]);
    expect(upstream.received).toHaveLength(0);
    expect(await (await gateway.observe("/metrics")).text()).toContain(
      'nexus_malformed_requests_total{status="408"} 1',
    );
  });

  test("sends more headers than anybody needs is refused", async () => {
    const { gateway } = await launch({});
    const many = Array.from({ length: 200 }, (_, index) => `x-${index}: 1\r\n`).join("");
    const text = await sendRaw(gateway.url, `${headOf(gateway)}${many}connection: close\r\n\r\n`);
    expect(codeOf(text)).toEqual([431, "headers_too_large"]);
    const large = await sendRaw(gateway.url, `${headOf(gateway)}x: ${"x".repeat(17_000)}\r\n\r\n`);
    expect(codeOf(large)).toEqual([431, "headers_too_large"]);
  });

  test("expects something that does not exist is told so", async () => {
    const { gateway, upstream } = await launch({});
    const expects = "expect: a-miracle\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    const text = await sendRaw(gateway.url, headOf(gateway) + expects);
    expect(codeOf(text)).toEqual([417, "expectation_failed"]);
    expect(upstream.received).toHaveLength(0);
  });

  test("is one too many is hung up on; those before it are not", async () => {
    const { gateway } = await launch({ NEXUS_GATEWAY_MAX_CONNECTIONS: "2" });
    const first = await connect(gateway.url);
    await connect(gateway.url);
    const third = await connect(gateway.url);
    await once(third, "close");
    first.write("GET /health HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n");
    expect(String(await once(first, "data"))).toMatch(/^HTTP\/1.1 200/);
  });
});

describe("request bodies in memory", () => {
  test("are limited over all requests: what does not fit is asked to come back, and room is given back", async () => {
    const { gateway } = await launch({ NEXUS_GATEWAY_MAX_BUFFERED_BYTES: "100000" });
    const holder = await connect(gateway.url);
    holder.write(`${headOf(gateway)}content-length: 90000\r\n\r\n${" ".repeat(80_000)}`);
    await untilBuffered(gateway, 80_000);
    const refused = await gateway.chat({ user: "x".repeat(30_000) });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await errorOf(refused)).toMatchObject({ code: "overloaded", fault: "gateway" });
    expect((await gateway.chat({})).status).toBe(200);
    holder.destroy();
    await untilBuffered(gateway, 0);
    expect((await gateway.chat({ user: "x".repeat(30_000) })).status).toBe(200);
    await untilBuffered(gateway, 0);
  });
});

describe("a body", () => {
  const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

  test.each([
    ["small", ""],
    ["large", "x".repeat(100_000)],
  ])("that is %s is refused when it is nested deeper than 64 levels", async (_, pad) => {
    const { gateway, upstream } = await launch({});
    const send = (levels: number) => {
      const body = `{"model":"echo","pad":"${pad}","x":${nested(levels)}}`;
      return gateway.chat({}, { body });
    };
    expect((await send(63)).status).toBe(200);
    const refused = await send(64);
    expect([refused.status, (await errorOf(refused))["code"]]).toEqual([
      400,
      "invalid_request_body",
    ]);
    expect((await send(50_000)).status).toBe(400);
    expect(upstream.received).toHaveLength(1);
  });
});

async function untilBuffered(gateway: TestGateway, bytes: number): Promise<void> {
  for (;;) {
    const metrics = await (await gateway.observe("/metrics")).text();
    if (metrics.includes(`nexus_buffered_bytes ${bytes}\n`)) return;
  }
}
