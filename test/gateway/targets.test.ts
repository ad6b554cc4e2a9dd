import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { answersIn, sendRaw } from "../support/raw-client.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let elsewhere: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  elsewhere = await startUpstream();
  elsewhere.behave({ "/": (_, response) => void response.end("here") });
  gateway = await launchGateway();
  await gateway.configure([upstreamAt(upstream.url)]);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([upstream.stop(), elsewhere.stop()]);
});

afterEach(() => {
  if (elsewhere.received.length > 0) throw new Error("somebody else was asked");
});

describe("a request reaches configured upstreams only, when", () => {
  test("its body names a host", async () => {
    const names = { api_base: elsewhere.url, base_url: elsewhere.url, host: elsewhere.url };
    const before = upstream.received.length;
    const response = await gateway.chat({ ...names, extra_body: names });
    expect(response.status).toBe(200);
    expect(upstream.received).toHaveLength(before + 1);
  });

  test("its headers name a host", async () => {
    const { host } = new URL(elsewhere.url);
    const before = upstream.received.length;
    const response = await gateway.chat(
      {},
      {
        headers: {
          "x-forwarded-host": host,
          forwarded: `host=${host}`,
          "x-original-url": elsewhere.url,
          "x-portkey-custom-host": elsewhere.url,
          "x-upstream-url": elsewhere.url,
          "api-base": elsewhere.url,
        },
      },
    );
    expect(response.status).toBe(200);
    expect(upstream.received).toHaveLength(before + 1);
    expect(upstream.received.at(-1)?.headers.host).toBe(new URL(upstream.url).host);
  });

  test.each(["GET", "POST"])("its target is a whole address: %s", async (method) => {
    const key = `authorization: Bearer ${gateway.key}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
    const text = await sendRaw(
      gateway.url,
      `${method} ${elsewhere.url}/ HTTP/1.1\r\nhost: g\r\n${key}`,
    );
    expect(answersIn(text).map(({ status }) => status)).toEqual([404]);
  });

  test("it asks to be connected through", async () => {
    const { host } = new URL(elsewhere.url);
    const text = await sendRaw(gateway.url, `CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    expect(text).not.toMatch(/^HTTP\/1\.1 2/);
  });

  test("the upstream redirects it", async () => {
    upstream.behave({
      "/v1/completions": (_, response) => {
        response.writeHead(307, { location: `${elsewhere.url}/` }).end();
      },
    });
    const body = JSON.stringify({ model: "echo", prompt: "x" });
    const response = await gateway.ask("/v1/completions", { method: "POST", body });
    expect([response.status, (await errorOf(response))["code"]]).toEqual([502, "upstream_error"]);
    expect(JSON.stringify([...response.headers])).not.toContain(new URL(elsewhere.url).host);
  });
});
