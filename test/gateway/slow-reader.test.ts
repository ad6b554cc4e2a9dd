import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { upstreamAt } from "../support/gateway.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

const chat = "/v1/chat/completions";
const gigabyte = 1024 ** 3;
const block = Buffer.from(`data: ${"x".repeat(65_536 - 8)}\n\n`);
/** How long the slow client reads; hours would show the same. */
const seconds = Number(process.env["NEXUS_TEST_SLOW_SECONDS"] ?? 4);

/** Tells what the process holds in answer to a signal; the second collection counts what the first one swept up. */
const reporter = `data:text/javascript,${encodeURIComponent(`process.on("SIGUSR2", () => {
  globalThis.gc();
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  console.log(JSON.stringify({ event: "memory", rss, held: heapUsed + external }));
});`)}`;

let upstream: TestUpstream;
let gateway: GatewayProcess;
/** What the upstream could get rid of, by request. */
const sent: number[] = [];

beforeEach(async () => {
  upstream = await startUpstream();
  upstream.behave({
    [chat]: async ({ body }, response, aborted) => {
      const { max_tokens: limit } = JSON.parse(body);
      const index = sent.push(0) - 1;
      response.writeHead(200, { "content-type": "text/event-stream" });
      while ((sent[index] ?? 0) < limit && !response.destroyed) {
        sent[index] = (sent[index] ?? 0) + block.length;
        if (!response.write(block)) await Promise.race([once(response, "drain"), aborted]);
      }
      response.end();
    },
  });
  gateway = await startGatewayProcess([upstreamAt(upstream.url)], {
    flags: ["--max-semi-space-size=4", "--expose-gc", "--import", reporter],
  });
});

afterEach(async () => {
  await gateway.stop();
  await upstream.stop();
});

/** Asks for a stream of so many bytes and leaves it unread. */
function ask(bytes: number): Socket {
  const { hostname, port } = new URL(gateway.url);
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.pause().on("error", () => {});
  const body = JSON.stringify({ model: "echo", messages: [], stream: true, max_tokens: bytes });
  const head = `POST ${chat} HTTP/1.1\r\nhost: g\r\nauthorization: Bearer ${gateway.key}\r\nconnection: close\r\n`;
  socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`);
  return socket;
}

async function memory(): Promise<Readonly<{ rss: number; held: number }>> {
  const told = gateway.nextLogged("memory");
  gateway.kill("SIGUSR2");
  const { rss, held } = await told;
  return { rss: Number(rss), held: Number(held) };
}

/** What it holds once a further collection finds nothing more. */
async function settledMemory() {
  for (let last = await memory(); ;) {
    const next = await memory();
    if (last.held - next.held < 32_768 && last.rss - next.rss < 32_768) return next;
    last = next;
  }
}

test("a client that reads 1 KB a second of a stream of 1 GB costs less than 2 MB", async () => {
  for (let round = 0; round < 3; round += 1) {
    const warm = ask(16 * 1024 * 1024).resume();
    await once(warm, "close");
  }
  const before = await settledMemory();
  const slow = ask(gigabyte);
  const costs: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    slow.read(1024);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { rss, held } = await memory();
    costs.push(Math.max(rss - before.rss, held - before.held));
  }
  slow.destroy();
  expect(sent.at(-1)).toBeLessThan(gigabyte / 16);
  expect(Math.max(...costs)).toBeLessThan(2 * 1024 * 1024);
});
