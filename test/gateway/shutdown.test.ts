import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { createConnection, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeCertificate } from "../support/certificates.ts";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { upstreamAt } from "../support/gateway.ts";
import { beginEvents, reply, startUpstream, type TestUpstream } from "../support/upstream.ts";

const chat = "/v1/chat/completions";
const first = "data: {}\n\n";
const last = "data: [DONE]\n\n";

let upstream: TestUpstream;
let gateway: GatewayProcess;
let finish: () => void;

beforeEach(async () => {
  upstream = await startUpstream();
  const hold = Promise.withResolvers<void>();
  finish = hold.resolve;
  upstream.behave({
    [chat]: async ({ body }, response) => {
      beginEvents(response);
      response.write(first);
      if (JSON.parse(body).user === "endless") return;
      await hold.promise;
      response.end(last);
    },
  });
});

afterEach(async () => {
  await gateway.stop();
  await upstream.stop();
});

const start = (options: Parameters<typeof startGatewayProcess>[1] = {}) =>
  startGatewayProcess([upstreamAt(upstream.url)], options);

/** Begins a stream; its text when it has ended, undefined when the connection was cut. */
async function stream(user: string) {
  const headers = { authorization: `Bearer ${gateway.key}` };
  const body = JSON.stringify({ model: "echo", messages: [], stream: true, user });
  const response = await fetch(gateway.url + chat, { method: "POST", headers, body });
  return { status: response.status, text: response.text().catch(() => undefined) };
}

async function texts(streams: readonly Awaited<ReturnType<typeof stream>>[]) {
  return new Set(await Promise.all(streams.map(({ text }) => text)));
}

describe("SIGTERM", () => {
  test("with 500 live streams: those that can finish do, the others are told why, nobody new gets in, and the exit is 0", async () => {
    const graceMs = 4_000;
    gateway = await start({ environment: { NEXUS_GATEWAY_GRACE_MS: String(graceMs) } });
    const users = Array.from({ length: 500 }, (_, index) => (index % 2 ? "endless" : "finite"));
    const streams = await Promise.all(users.map(stream));
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    const idle = createConnection({ host: "127.0.0.1", port: Number(new URL(gateway.url).port) });
    idle.resume().write("GET /health HTTP/1.1\r\nhost: gateway\r\n\r\n");
    await once(idle, "data");
    const idleClosed = once(idle, "close");
    const since = performance.now();
    gateway.kill("SIGTERM");
    await gateway.untilLogged("gateway.draining");
    await idleClosed;
    await expect(fetch(`${gateway.url}/health`)).rejects.toThrow("fetch failed");
    finish();
    const finite = await texts(streams.filter((_, index) => users[index] === "finite"));
    expect(finite).toEqual(new Set([first + last]));
    const [told, ...others] = await texts(streams.filter((_, index) => users[index] === "endless"));
    expect(others).toEqual([]);
    expect(told).toMatch(/^data: \{\}\n\ndata: \{"error":.*"code":"shutting_down".*\}\n\n$/);
    expect((await gateway.ended).exitCode).toBe(0);
    expect(performance.now() - since).toBeLessThan(graceMs + 3_000);
  });

  test("answers a request on a connection that is still busy with 503 and closes it", async () => {
    gateway = await start();
    const body = JSON.stringify({ model: "echo", messages: [], stream: true });
    const socket = createConnection({ host: "127.0.0.1", port: Number(new URL(gateway.url).port) });
    let text = "";
    socket.on("data", (data) => (text += String(data)));
    const head = `POST ${chat} HTTP/1.1\r\nhost: g\r\nauthorization: Bearer ${gateway.key}\r\n`;
    socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`);
    await once(socket, "data");
    gateway.kill("SIGTERM");
    await gateway.untilLogged("gateway.draining");
    socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`);
    finish();
    await once(socket, "close");
    expect(text).toMatch(
      /\[DONE\][^]*HTTP\/1\.1 503 [^]*connection: close[^]*"code":"shutting_down"/i,
    );
    expect((await gateway.ended).exitCode).toBe(0);
  });
});

describe("an exception that nobody caught", () => {
  const failOn = (signal: string) =>
    `data:text/javascript,process.on("${signal}",()=>{throw new Error("boom")})`;

  test("is logged, lets streams finish, and ends the process with 1", async () => {
    gateway = await start({ flags: ["--import", failOn("SIGUSR2")] });
    const streams = [await stream("finite")];
    gateway.kill("SIGUSR2");
    expect(await gateway.untilLogged("gateway.crashed")).toMatchObject({
      level: "error",
      reason: expect.stringContaining("boom"),
    });
    await gateway.untilLogged("gateway.draining");
    finish();
    expect(await texts(streams)).toEqual(new Set([first + last]));
    expect((await gateway.ended).exitCode).toBe(1);
  });

  test("during a shutdown cuts nothing short and still makes the exit 1", async () => {
    gateway = await start({ flags: ["--import", failOn("SIGUSR2")] });
    const streams = [await stream("finite")];
    gateway.kill("SIGTERM");
    await gateway.untilLogged("gateway.draining");
    gateway.kill("SIGUSR2");
    await gateway.untilLogged("gateway.crashed");
    finish();
    expect(await texts(streams)).toEqual(new Set([first + last]));
    expect((await gateway.ended).exitCode).toBe(1);
  });
});

describe("an upstream behind HTTPS", () => {
  test("is trusted by the authorities of NODE_EXTRA_CA_CERTS, and by no others", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nexus-ca-"));
    const { certificate, key } = makeCertificate();
    const file = join(folder, "ca.pem");
    await writeFile(file, certificate);
    const server = createServer({ cert: certificate, key }, (_, response) =>
      reply(response, 200, "{}"),
    );
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const secure = upstreamAt(url, { external: true, models: ["echo"] });
    gateway = await startGatewayProcess([secure], { environment: { NODE_EXTRA_CA_CERTS: file } });
    expect((await stream("any")).status).toBe(200);
    await gateway.stop();
    gateway = await startGatewayProcess([secure]);
    expect((await stream("any")).status).toBe(503);
    const seen = await fetch(`${gateway.observabilityUrl}/readyz`);
    expect(await seen.text()).toContain("has a certificate that is not trusted");
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
});
