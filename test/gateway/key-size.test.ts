import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { answersIn, sendRaw } from "../support/raw-client.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

const limits = { max_request_bytes: 1024 };

let upstream: TestUpstream;
let sink: Server;
let gateway: TestGateway;
let key: string;
let admin: string;

beforeAll(async () => {
  upstream = await startUpstream();
  sink = createServer((request, response) => {
    request.on("error", () => {}).resume();
    request.once("end", () => response.end("taken"));
  });
  await new Promise<void>((resolve) => void sink.listen(0, "127.0.0.1", resolve));
  gateway = await launchGateway();
  const speech = { id: "sink", provides: ["asr"], models: ["whisper"] };
  const sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
  await gateway.configure([upstreamAt(upstream.url), upstreamAt(sinkUrl, speech)]);
  key = await gateway.addKey({ name: "small", limits });
  admin = await gateway.addKey({ name: "ops", scopes: ["admin"], limits });
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
  sink.closeAllConnections();
  await new Promise((resolve) => sink.close(resolve));
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const head = (path: string, token: string) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n`;

describe("a key with a largest request", () => {
  test("is told so by the length that it announces, before a byte of the body is sent", async () => {
    const before = upstream.received.length;
    const announced = "content-type: application/json\r\ncontent-length: 1025\r\n\r\n";
    const [answer] = answersIn(
      await sendRaw(gateway.url, head("/v1/chat/completions", key) + announced),
    );
    expect(answer?.status).toBe(413);
    expect(JSON.parse(answer?.body ?? "")).toEqual({
      error: {
        message: "The request body is larger than the limit of 1024 bytes.",
        type: "invalid_request_error",
        param: null,
        code: "request_too_large",
        fault: "client",
      },
    });
    expect(upstream.received).toHaveLength(before);
  });

  test("is counted where no length is announced", async () => {
    const chunk = `400\r\n${"x".repeat(1024)}\r\n`;
    const chunked = "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    const start = head("/v1/chat/completions", key) + chunked;
    const [answer] = answersIn(await sendRaw(gateway.url, start, chunk, chunk, "0\r\n\r\n"));
    expect(answer?.status).toBe(413);
  });

  test("is served up to the last byte that it may send, and others are not limited by it", async () => {
    const base = { model: "echo", messages: [{ role: "user", content: "" }] };
    const content = "x".repeat(1024 - JSON.stringify(base).length);
    const whole = { messages: [{ role: "user", content }] };
    expect((await gateway.chat(whole, { headers: bearer(key) })).status).toBe(200);
    const more = { messages: [{ role: "user", content: `${content}x` }] };
    expect((await gateway.chat(more, { headers: bearer(key) })).status).toBe(413);
    expect((await gateway.chat(more)).status).toBe(200);
  });

  test("is held to it in forms", async () => {
    const form = new FormData();
    form.set("model", "whisper");
    form.set("file", new Blob(["x".repeat(2000)]), "a.wav");
    const url = `${gateway.url}/v1/audio/transcriptions`;
    const answer = await fetch(url, { method: "POST", headers: bearer(key), body: form });
    expect([answer.status, (await errorOf(answer))["code"]]).toEqual([413, "request_too_large"]);
  });

  test("is held to it at a service's own interface, announced or not", async () => {
    const ask = (init: RequestInit) =>
      fetch(`${gateway.url}/services/sink/api`, {
        method: "POST",
        headers: bearer(admin),
        ...init,
      });
    expect(await (await ask({ body: "x".repeat(1024) })).text()).toBe("taken");
    expect((await ask({ body: "x".repeat(1025) })).status).toBe(413);
    const chunk = `400\r\n${"x".repeat(1024)}\r\n`;
    const start = `${head("/services/sink/api", admin)}transfer-encoding: chunked\r\n\r\n`;
    const [answer] = answersIn(await sendRaw(gateway.url, start, chunk, chunk, "0\r\n\r\n"));
    expect(answer?.status).toBe(413);
  });
});
