import { Duplex, PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { GatewayLostError, GatewayRefusedError } from "../../src/readiness/errors.ts";
import { linkOver } from "../../src/readiness/gateway-link.ts";
import { GatewayStub } from "./gateway-stub.ts";

const hello = { version: "1", config_hash: null, keys: 0 };

test("a call resolves with the gateway's result for its op", async () => {
  const stub = new GatewayStub(({ id }, send) => send({ id, ok: hello }));
  await using link = stub.link();

  const result = await link.call({ op: "hello" });

  expect(result.version).toBe("1");
  expect(stub.seen).toEqual([{ id: 1, op: "hello" }]);
});

test("calls in flight are answered in any order", async () => {
  const stub = new GatewayStub(({ id, op }, send) => {
    if (op !== "hello") return;
    send({ id, ok: hello });
    send({ id: 1, ok: [] });
  });
  await using link = stub.link();

  const keys = link.call({ op: "keys.list" });
  const greeting = link.call({ op: "hello" });

  expect(await Promise.all([keys, greeting])).toEqual([[], hello]);
});

test("progress lines reach the call they belong to", async () => {
  const stub = new GatewayStub(({ id }, send) => {
    send({ id, progress: { in_flight: 2 } });
    send({ id: 99, progress: "nobody's" });
    send({ id, ok: { in_flight: 0 } });
  });
  await using link = stub.link();
  const progress: unknown[] = [];

  await link.call(
    { op: "drain", url: "http://a:1" },
    { onProgress: (news) => progress.push(news) },
  );

  expect(progress).toEqual([{ in_flight: 2 }]);
});

test.each([
  ["large ones anywhere", `${"x".repeat(300_000)}é`, 4_001],
  ["short ones inside a character", "é", 1],
])("lines may be split: %s", async (_case, version, pieceSize) => {
  const stub = new GatewayStub(({ id }) => {
    const bytes = Buffer.from(`\n${JSON.stringify({ id, ok: { ...hello, version } })}\n`);
    for (let at = 0; at < bytes.length; at += pieceSize) {
      stub.stdout.write(bytes.subarray(at, at + pieceSize));
    }
  });
  await using link = stub.link();

  const result = await link.call({ op: "hello" });

  expect(result.version === version).toBe(true);
});

test("a refusal says what was refused and why", async () => {
  const error = { code: "invalid_config", message: "upstreams: must be a list" };
  const stub = new GatewayStub(({ id }, send) => send({ id, error }));
  await using link = stub.link();

  const refusal = await link.call({ op: "keys.list" }).catch((thrown: unknown) => thrown);

  expect(refusal).toBeInstanceOf(GatewayRefusedError);
  expect(refusal).toMatchObject({
    reason: "invalid_config",
    message: "The gateway refused keys.list: upstreams: must be a list",
  });
});

test("aborting a call rejects it at once and cancels it in the gateway", async () => {
  const stub = new GatewayStub();
  await using link = stub.link();
  const abort = new AbortController();
  const call = link.call({ op: "keys.list" }, { signal: abort.signal });

  abort.abort(new Error("enough"));

  await expect(call).rejects.toThrow("enough");
  expect(await stub.asked("cancel")).toEqual({ id: 2, op: "cancel", request: 1 });
});

test("when the process ends, every call fails with its exit code and last words", async () => {
  const stub = new GatewayStub();
  const link = stub.link();
  const calls = [link.call({ op: "hello" }), link.call({ op: "status" })];
  stub.stderr.write("connect ENOENT /run/nexus/control.sock\n");
  stub.stdout.write("not a reply\n");
  stub.exit(1);

  for (const call of calls) {
    const lost = await call.catch((thrown: unknown) => thrown);
    expect(lost).toBeInstanceOf(GatewayLostError);
    expect(String(lost)).toContain("exited with 1");
    expect(String(lost)).toContain("control.sock\nnot a reply");
  }
  await expect(link.call({ op: "hello" })).rejects.toBeInstanceOf(GatewayLostError);
});

test("closing ends the process and refuses further calls", async () => {
  const stub = new GatewayStub();
  const link = stub.link();

  await link.close();

  expect(await stub.exitCode).toBe(0);
  await expect(link.call({ op: "hello" })).rejects.toThrow("closed here");
});

test("a plain duplex is channel enough", async () => {
  const toGateway = new PassThrough();
  const fromGateway = new PassThrough();
  const duplex = Duplex.from({ readable: fromGateway, writable: toGateway });
  const link = linkOver({ stdin: duplex, stdout: duplex });
  toGateway.once("data", () => fromGateway.write(`${JSON.stringify({ id: 1, ok: hello })}\n`));

  expect(await link.call({ op: "hello" })).toEqual(hello);
  toGateway.once("end", () => fromGateway.end());
  await link.close();
});
