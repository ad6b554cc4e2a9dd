import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { deadUrl, reply, startRawUpstream, startUpstream } from "../support/upstream.ts";

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(cleanUps.splice(0).map((clean) => clean()));
});

const limits = { NEXUS_GATEWAY_HEADERS_MS: "150", NEXUS_GATEWAY_IDLE_MS: "150" };

async function launch(environment: Record<string, string> = limits): Promise<TestGateway> {
  const gateway = await launchGateway(environment);
  cleanUps.push(gateway.close);
  return gateway;
}

const paths = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"];

/** Serves readiness and models properly and everything else by the script. */
const faulty = (converse: (socket: Socket) => void) => (socket: Socket) => {
  socket.on("data", (data) => {
    const text = data.toString();
    if (text.startsWith("GET /readyz"))
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    else if (text.startsWith("GET")) socket.write(modelList);
    else if (text.startsWith("POST")) converse(socket);
  });
};
const models = '{"data":[{"id":"echo"}]}';
const modelList = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${models.length}\r\n\r\n${models}`;

const ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const faults: readonly (readonly [string, (socket: Socket) => void, number, string])[] = [
  ["closes without an answer", (socket) => socket.end(), 502, "upstream_error"],
  ["resets the connection", (socket) => socket.resetAndDestroy(), 502, "upstream_error"],
  ["answers garbage", (socket) => socket.end("garbage\r\n\r\n"), 502, "upstream_error"],
  ["is silent", () => {}, 504, "upstream_timeout"],
  [
    "stops in the middle of its headers",
    (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-"),
    504,
    "upstream_timeout",
  ],
  [
    "ends before its length",
    (socket) => socket.end(`${ok}content-length: 100\r\n\r\n{"half":`),
    502,
    "upstream_error",
  ],
  [
    "ends before its last chunk",
    (socket) => socket.end(`${ok}transfer-encoding: chunked\r\n\r\n5\r\n{"hal\r\n`),
    502,
    "upstream_error",
  ],
  [
    "falls silent in the middle of its answer",
    (socket) => socket.write(`${ok}content-length: 100\r\n\r\n{"half":`),
    504,
    "upstream_timeout",
  ],
  [
    "answers with HTML",
    (socket) =>
      socket.write(
        "HTTP/1.1 500 Oops\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<h1>Oops</h1>\r\n",
      ),
    500,
    "upstream_error",
  ],
  [
    "redirects",
    (socket) =>
      socket.write(
        "HTTP/1.1 302 Found\r\nlocation: http://internal:1/secret\r\ncontent-length: 0\r\n\r\n",
      ),
    502,
    "upstream_error",
  ],
];

const refusals: readonly (readonly [string, unknown, string])[] = [
  [
    "a text",
    { detail: "Model 'x' is not installed locally." },
    "Model 'x' is not installed locally.",
  ],
  [
    "an object",
    { detail: { error: "validation_error", message: "No such voice." } },
    "No such voice.",
  ],
  [
    "a list",
    {
      detail: [
        { type: "missing", loc: ["body", "input"], msg: "Field required", input: {} },
        { type: "int_type", loc: ["body", "speed", 0], msg: "Input should be a number" },
      ],
    },
    "input: Field required; speed.0: Input should be a number",
  ],
  ["no words", { detail: [{ type: "missing" }, 3] }, 'The service "one" answered 422.'],
  ["something endless", { detail: "a".repeat(5000) }, `${"a".repeat(499)}…`],
  [
    "addresses",
    { detail: "No way to http://127.0.0.1:9/x, internal:8000, 10.1.2.3 for llama3:70b" },
    "No way to [address] [address], [address] for llama3:70b",
  ],
];

describe("an upstream that", () => {
  test.each(refusals)("refuses with %s as its detail is heard", async (_, body, words) => {
    const upstream = await startUpstream();
    cleanUps.push(upstream.stop);
    const told = JSON.stringify(body);
    upstream.behave({ "/v1/chat/completions": (__, response) => reply(response, 422, told) });
    const gateway = await launch();
    await gateway.configure([upstreamAt(upstream.url)]);
    const response = await gateway.chat({});
    expect(response.status).toBe(422);
    const { message } = await errorOf(response);
    expect(message).toMatch(/^The service "one" answered 422[.:]/);
    expect(String(message).endsWith(words)).toBe(true);
  });

  test.each(faults)("%s is told apart at every endpoint", async (_, converse, status, code) => {
    const upstream = await startRawUpstream(faulty(converse));
    cleanUps.push(upstream.stop);
    const gateway = await launch();
    await gateway.configure([upstreamAt(upstream.url)]);
    for (const path of paths) {
      const body = JSON.stringify({ model: "echo" });
      const response = await gateway.ask(path, { method: "POST", body });
      const text = await response.text();
      expect([response.status, JSON.parse(text).error.code]).toEqual([status, code]);
      expect(JSON.parse(text).error).toMatchObject({ fault: "upstream", param: null });
      expect(text + response.headers.get("location")).not.toMatch(/127\.0\.0\.1|internal|<h1>/);
    }
    expect(await (await gateway.observe("/readyz")).json()).toMatchObject({ in_flight: 0 });
  });

  test("has gone since it was last looked at is 503 with a time to ask again", async () => {
    const upstream = await startUpstream();
    const gateway = await launch();
    await gateway.configure([upstreamAt(upstream.url)]);
    await upstream.stop();
    const response = await gateway.chat({});
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("2");
    expect((await errorOf(response))["code"]).toBe("upstream_unavailable");
  });

  test("closes a kept-alive connection under a request is asked once more, and the client notices nothing", async () => {
    let connections = 0;
    const upstream = await startRawUpstream((socket) => {
      connections += 1;
      const answers = connections;
      let posts = 0;
      faulty(() => {
        posts += 1;
        if (answers === 1 && posts > 1) socket.resetAndDestroy();
        else socket.write(`${ok}content-length: 2\r\n\r\n{}`);
      })(socket);
    });
    cleanUps.push(upstream.stop);
    const gateway = await launch();
    await gateway.configure([upstreamAt(upstream.url)]);
    const statuses: number[] = [];
    for (let turn = 0; turn < 5; turn += 1) statuses.push((await gateway.chat({})).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
  });

  test("sends an answer larger than what is held has it streamed", async () => {
    const upstream = await startUpstream();
    cleanUps.push(upstream.stop);
    const text = JSON.stringify({ pad: "x".repeat(300_000) });
    upstream.behave({ "/v1/chat/completions": (_, response) => reply(response, 200, text) });
    const gateway = await launch();
    await gateway.configure([upstreamAt(upstream.url)]);
    expect(await (await gateway.chat({})).text()).toBe(text);
  });

  test("is dead takes nothing from the gateway or the others", async () => {
    const upstream = await startUpstream();
    cleanUps.push(upstream.stop);
    const gateway = await launch();
    const dead = upstreamAt(await deadUrl(), { id: "dead", models: ["gone"] });
    await gateway.configure([dead, upstreamAt(upstream.url)]);
    expect((await gateway.chat({})).status).toBe(200);
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    expect((await gateway.observe("/readyz")).status).toBe(503);
    expect((await gateway.observe("/services/dead/health")).status).toBe(503);
    expect((await gateway.observe("/services/one/readyz")).status).toBe(200);
  });
});
