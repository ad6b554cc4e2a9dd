import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { visitDirectly } from "../../src/verify/direct.ts";
import { visitThroughGateway } from "../../src/verify/through-gateway.ts";
import { pulling } from "../readiness/stub-store.ts";
import { GatewayStub } from "../readiness/gateway-stub.ts";

const block = Buffer.alloc(1024 * 1024);
const question = { method: "GET", path: "/v1/models", timeoutMs: 10_000 } as const;
const silence = { kind: "silence", why: "more than 64 MiB, and no end" };

async function flood(response: ServerResponse): Promise<void> {
  while (!response.destroyed) {
    if (response.write(block)) continue;
    await Promise.race([once(response, "drain"), once(response, "close")]);
  }
}

test("an answer that goes on and on counts as none, asked directly", async () => {
  const server = createServer((_, response) => void flood(response));
  server.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  expect(await visitDirectly(new URL(`http://127.0.0.1:${port}`))(question)).toEqual(silence);
});

test("an answer that goes on and on counts as none, asked through the gateway", async () => {
  const bytes = block.toString("base64");
  const stub = new GatewayStub(({ id, op }, send) => {
    if (op !== "request") return;
    for (let piece = 0; piece < 66; piece += 1) send({ id, progress: { bytes, at_ms: piece } });
  });
  const { link, upstream } = pulling(stub);
  const { signal } = new AbortController();
  expect(await visitThroughGateway({ link, upstream, signal })(question)).toEqual(silence);
  expect(stub.seen.at(-1)?.op).toBe("cancel");
});
