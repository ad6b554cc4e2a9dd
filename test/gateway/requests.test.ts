import { createConnection } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway({ NEXUS_GATEWAY_MAX_BODY_BYTES: "1000" });
  await gateway.configure([upstreamAt(upstream.url)]);
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const post = (body: string | ReadableStream, headers: Record<string, string> = {}) =>
  gateway.ask("/v1/chat/completions", { method: "POST", body, headers, duplex: "half" } as object);

async function failure(response: Response) {
  return [response.status, (await errorOf(response))["code"]];
}

describe("a request", () => {
  test.each([
    ["is no JSON", "{", 400, "invalid_request_body"],
    ["is no object", "[]", 400, "invalid_request_body"],
    ["names no model", "{}", 400, "invalid_request_body"],
    ["names a model that is no string", '{"model":1}', 400, "invalid_request_body"],
    ["names two models", '{"model":"echo","model":"x"}', 400, "invalid_request_body"],
    [
      "is larger than it says it may be",
      `{"model":"${"x".repeat(2_000)}"}`,
      413,
      "request_too_large",
    ],
  ])("that %s never reaches an upstream", async (_, body, status, code) => {
    const before = upstream.received.length;
    expect(await failure(await post(body))).toEqual([status, code]);
    expect(upstream.received).toHaveLength(before);
  });

  test("that does not announce its length is counted while it comes", async () => {
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(600, " ")),
    });
    expect(await failure(await post(body))).toEqual([413, "request_too_large"]);
  });

  test("that waits for permission gets it only after its key was looked at", async () => {
    const ask = (key: string, length: number) =>
      exchangeRaw(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer ${key}\r\n` +
          `content-length: ${length}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n`,
        '{"model":"echo"}',
      );
    expect(await ask(gateway.key, 16)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/);
    expect(await ask("nx_wrong", 16)).toMatch(/^HTTP\/1.1 401/);
    expect(await ask(gateway.key, 100_000)).toMatch(/^HTTP\/1.1 413/);
  });

  test("that could be two requests is none", async () => {
    const before = upstream.received.length;
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer ${gateway.key}\r\n`;
    const hidden = `0\r\n\r\n${head}content-length: 16\r\n\r\n{"model":"echo"}`;
    const variants = [
      "content-length: 5\r\ntransfer-encoding: chunked\r\n",
      "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
      "content-length: 5\r\ncontent-length: 6\r\n",
      "transfer-encoding: xchunked\r\n",
      "transfer-encoding : chunked\r\n",
      "content-length: 5\n x\r\n",
    ];
    const answers = await Promise.all(
      variants.map((headers) => exchangeRaw(`${head}${headers}\r\n${hidden}`, "")),
    );
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 4\d\d/);
    expect(upstream.received).toHaveLength(before);
  });

  test("reaches the upstream without the client's key, hop-by-hop headers and address", async () => {
    await post('{"model":"echo"}', {
      "x-stainless-lang": "js",
      "x-forwarded-for": "10.0.0.1",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "x-custom": "kept",
      cookie: "a=b",
    });
    const headers = upstream.received.at(-1)?.headers ?? {};
    expect(headers).toMatchObject({
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "x-custom": "kept",
    });
    for (const name of ["authorization", "cookie", "x-stainless-lang", "x-forwarded-for"]) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers["accept-encoding"]).toBe("identity");
  });

  test("keeps a sane id of the client's and gets one otherwise; the upstream hears the same", async () => {
    const named = await post('{"model":"echo"}', { "x-request-id": "my-id.1" });
    expect(named.headers.get("x-request-id")).toBe("my-id.1");
    expect(upstream.received.at(-1)?.headers["x-request-id"]).toBe("my-id.1");
    const other = await post('{"model":"echo"}', { "x-request-id": "no good!" });
    expect(other.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
  });

  test("to an unknown path is 401 without a key and 404 with one; a wrong method is 405", async () => {
    expect((await fetch(`${gateway.url}/v1/secret`)).status).toBe(401);
    expect(await failure(await gateway.ask("/v1/secret"))).toEqual([404, "unknown_url"]);
    const response = await gateway.ask("/v1/chat/completions");
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("for the contract needs no key", async () => {
    const read = async (path: string) => (await fetch(gateway.url + path)).json();
    expect(await read("/health")).toEqual({ status: "ok" });
    expect(await read("/readyz")).toMatchObject({
      status: "ready",
      upstreams: [{ id: "one", state: "ready" }],
    });
    expect(await read("/v1/metadata")).toMatchObject({
      schema_version: "v1",
      service: { name: "gateway" },
      capabilities: { domains: ["chat", "completion", "embedding"], streaming: true },
    });
    expect(await read("/v1/descriptor")).toHaveProperty("response_types");
  });

  test("for the services tells what each provides", async () => {
    const text = await (await gateway.ask("/v1/services")).text();
    const service = { id: "one", state: "ready", models: ["echo"] };
    const metadata = { service: { name: "one" } };
    expect(JSON.parse(text)).toMatchObject({ data: [{ ...service, metadata }] });
    expect(text).not.toContain("127.0.0.1");
  });
});

/** Sends bytes as they are and returns everything that comes back. */
function exchangeRaw(head: string, body: string): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(port) });
    let text = "";
    socket.on("data", (data) => {
      if (text === "" && data.toString().includes("100 Continue")) socket.write(body);
      text += data.toString();
      if (/^HTTP\/1.1 4\d\d[^]*\}$/.test(text)) socket.destroy();
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(text));
    socket.write(head);
  });
}
