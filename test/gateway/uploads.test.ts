import { readdir, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { writeForm, forms, splitAt, type Part } from "../support/forms.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { beginUpload, boundary, halves, startReader, upload } from "../support/uploads.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(cleanUps.splice(0).map((clean) => clean()));
});

const path = "/v1/audio/transcriptions";
const provides = ["asr"];
const aliases = { voice: ["one/echo"] };
const kibibyte = 1024;

/** A gateway that keeps little in memory, so that a small form already counts as a large one. */
async function launch(environment: Record<string, string> = {}): Promise<TestGateway> {
  const gateway = await launchGateway({
    NEXUS_GATEWAY_UPLOAD_MEMORY_BYTES: "512",
    NEXUS_GATEWAY_MAX_UPLOAD_BYTES: String(64 * kibibyte),
    ...environment,
  });
  cleanUps.push(gateway.close);
  return gateway;
}

async function launchWith(url: string, environment?: Record<string, string>) {
  const gateway = await launch(environment);
  await gateway.configure([upstreamAt(url, { provides })], aliases);
  return gateway;
}

async function startKeeper(): Promise<TestUpstream> {
  const upstream = await startUpstream();
  cleanUps.push(upstream.stop);
  return upstream;
}

async function startReading(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const upstream = await startReader(answer);
  cleanUps.push(upstream.stop);
  return upstream;
}

const model = (value = "echo"): Part => ({ name: "model", value: Buffer.from(value) });
const file = (bytes: number): Part => ({
  name: "file",
  file: "a.wav",
  value: Buffer.alloc(bytes, "sound "),
});

const errorCode = (text: string) => (JSON.parse(text) as { error: { code: string } }).error.code;

describe("a form reaches its upstream", () => {
  test("byte for byte, but for the name of its model, in any splitting and in every way of receiving it", async () => {
    const upstream = await startKeeper();
    const gateway = await launchWith(upstream.url, { NEXUS_GATEWAY_UPLOAD_MEMORY_BYTES: "100" });
    const framing = fc.record({
      name: fc.constantFrom("voice", "echo"),
      chunked: fc.boolean(),
      hint: fc.constantFrom("", "header", "query"),
    });
    const cuts = fc.array(fc.nat(8_000), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(forms, cuts, framing, async (generated, places, { name, chunked, hint }) => {
        const parts = generated.map((part) => (part.name === "model" ? model(name) : part));
        const named = parts.find((part) => part.name === "model")?.value.toString();
        const bytes = writeForm(boundary, parts);
        const headers = {
          ...(!chunked && { "content-length": bytes.length }),
          ...(hint === "header" && { "x-nexus-model": named ?? "echo" }),
        };
        const query = hint === "query" ? `?model=${named ?? "echo"}` : "";
        upstream.behave({ [path]: (_, response) => void response.end("{}") });
        const pieces = splitAt(bytes, places);
        const { status, text } = await upload(gateway, path + query, { pieces, headers });
        expect([status, text]).toEqual([200, "{}"]);
        const expected = parts.map((part) => (part.name === "model" ? model("echo") : part));
        const received = upstream.received.at(-1);
        expect(received?.bytes).toEqual(writeForm(boundary, expected));
        expect(received?.headers).not.toHaveProperty("x-nexus-model");
        expect(received?.path).toBe(path);
      }),
      { numRuns: 300 },
    );
    expect(await readdir(join(gateway.data, "spool"))).toEqual([]);
  }, 60_000);

  test.each([
    ["its model comes first", [model("voice"), file(20_000)], {}],
    [
      "its model is named in a header",
      [file(20_000), model("voice")],
      { "x-nexus-model": "voice" },
    ],
  ])("while it comes when %s", async (_, parts, headers) => {
    const { promise: begun, resolve } = Promise.withResolvers<Buffer>();
    const chunks: Buffer[] = [];
    const upstream = await startReading((request, response) => {
      request.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if (chunk.includes("audio/wav")) resolve(chunk);
      });
      request.once("end", () => response.end("{}"));
    });
    const gateway = await launchWith(upstream.url);
    const [first, rest] = halves(parts);
    const { request, answer } = beginUpload(gateway, path, headers);
    request.write(first);
    await begun;
    request.end(rest);
    expect((await answer).status).toBe(200);
    const expected = parts.map((part) => (part.name === "model" ? model("echo") : part));
    expect(Buffer.concat(chunks)).toEqual(writeForm(boundary, expected));
  });

  test("with its length, when that is known, and in chunks otherwise", async () => {
    const upstream = await startKeeper();
    const gateway = await launchWith(upstream.url, { NEXUS_GATEWAY_MAX_UPLOAD_BYTES: "9000000" });
    const parts = [model("voice"), file(800_000)];
    const bytes = writeForm(boundary, parts);
    const length = { "content-length": bytes.length };
    const lengthSeen = () => upstream.received.at(-1)?.headers["content-length"];
    await upload(gateway, path, { pieces: [bytes], headers: length });
    expect(lengthSeen()).toBe(String(bytes.length - 1));
    await upload(gateway, path, { pieces: [bytes] });
    expect(lengthSeen()).toBeUndefined();
    await upload(gateway, path, {
      pieces: [writeForm(boundary, parts.toReversed())],
      headers: { ...length, "x-nexus-model": "voice" },
    });
    expect(lengthSeen()).toBeUndefined();
  });

  test("no faster than it reads", async () => {
    let taken = 0;
    let most = 0;
    const bytes = 96 * kibibyte * kibibyte;
    const upstream = await startReading((request, response) => {
      request.on("data", (chunk: Buffer) => {
        taken += chunk.length;
        const { socket } = client.request;
        most = Math.max(most, (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0) - taken);
        request.pause();
        setImmediate(() => setImmediate(() => request.resume()));
      });
      request.once("end", () => response.end("{}"));
    });
    const gateway = await launchWith(upstream.url, {
      NEXUS_GATEWAY_MAX_UPLOAD_BYTES: String(2 * bytes),
    });
    const client = beginUpload(gateway, path);
    client.request.end(writeForm(boundary, [model(), file(bytes)]));
    expect((await client.answer).status).toBe(200);
    expect(taken).toBeGreaterThan(bytes);
    expect(most).toBeLessThan(bytes / 2);
  }, 60_000);
});

describe("a form that can be sent again", () => {
  test.each([
    ["is small", [model("shared"), file(100)]],
    ["was spooled", [file(50_000), model("shared")]],
  ])("because it %s falls over to the next upstream", async (_, parts) => {
    const failing = await startKeeper();
    const upstream = await startKeeper();
    failing.behave({ [path]: (_request, response) => void response.writeHead(500).end() });
    const gateway = await launch();
    const upstreams = [failing, upstream].map(({ url }, index) =>
      upstreamAt(url, { id: `at-${index}`, provides }),
    );
    await gateway.configure(upstreams, { shared: ["at-0/echo", "at-1/echo"] });
    const bytes = writeForm(boundary, parts);
    const headers = { "content-length": bytes.length };
    const pieces = splitAt(bytes, [600, 40_000]);
    const { status } = await upload(gateway, path, { pieces, headers });
    expect(status).toBe(200);
    const expected = parts.map((part) => (part.name === "model" ? model("echo") : part));
    expect(failing.received.at(-1)?.bytes).toEqual(writeForm(boundary, expected));
    expect(upstream.received.at(-1)?.bytes).toEqual(writeForm(boundary, expected));
  });

  test("is not one of which more has been read than is kept: its upstream's failure is the answer", async () => {
    const failing = await startKeeper();
    const upstream = await startKeeper();
    failing.behave({ [path]: (_, response) => void response.writeHead(500).end() });
    const gateway = await launch();
    const upstreams = [failing, upstream].map(({ url }, index) =>
      upstreamAt(url, { id: `at-${index}`, provides }),
    );
    await gateway.configure(upstreams, { shared: ["at-0/echo", "at-1/echo"] });
    const [first, rest] = halves([model("shared"), file(40_000)]);
    const { request, answer } = beginUpload(gateway, path);
    request.write(first);
    request.end(rest);
    expect((await answer).status).toBe(500);
    expect(upstream.received).toEqual([]);
  });
});

describe("a form is refused", () => {
  test("that announces too much, before a byte of it is read", async () => {
    const upstream = await startKeeper();
    const gateway = await launchWith(upstream.url);
    const headers = { "content-length": 65 * kibibyte };
    const { request, answer } = beginUpload(gateway, path, headers);
    const { status, text } = await answer;
    expect([status, errorCode(text)]).toEqual([413, "request_too_large"]);
    request.destroy();
    expect(upstream.received).toEqual([]);
  });

  test.each([
    ["is too large while it is spooled", [file(80_000), model()], 413, "request_too_large"],
    ["is too large while it is passed on", [model(), file(80_000)], 413, "request_too_large"],
    [
      "names its model again behind the file",
      [model(), file(20_000), model("other")],
      400,
      "invalid_request_body",
    ],
    ["names no model and has no end", [file(100)], 400, "invalid_request_body"],
  ])("that %s, and no upstream gets it whole", async (_, parts, status, code) => {
    let whole = 0;
    const upstream = await startReading((request, response) => {
      request.resume();
      request.once("end", () => {
        whole += 1;
        response.end("{}");
      });
    });
    const gateway = await launchWith(upstream.url);
    const bytes = writeForm(boundary, parts);
    const cut = status === 413 ? bytes.length : bytes.length - (parts.length === 1 ? 9 : 0);
    const pieces = splitAt(bytes.subarray(0, cut), [600, 1_200, 70_000]);
    const answer = await upload(gateway, path, { pieces });
    expect([answer.status, errorCode(answer.text)]).toEqual([status, code]);
    expect(whole).toBe(0);
    expect(await (await gateway.observe("/readyz")).json()).toMatchObject({ in_flight: 0 });
  });

  test("whose model is not the one that the header names", async () => {
    const upstream = await startKeeper();
    const gateway = await launchWith(upstream.url);
    const pieces = [writeForm(boundary, [file(20_000), model("other")])];
    const headers = { "x-nexus-model": "echo" };
    const answer = await upload(gateway, path, { pieces, headers });
    expect([answer.status, errorCode(answer.text)]).toEqual([400, "invalid_request_body"]);
    const both = await upload(gateway, `${path}?model=other`, { pieces, headers });
    expect([both.status, errorCode(both.text)]).toEqual([400, "invalid_request_body"]);
  });

  test("that is no form, or is compressed", async () => {
    const upstream = await startKeeper();
    const gateway = await launchWith(upstream.url);
    const ask = (headers: Record<string, string>) =>
      gateway.ask(path, { method: "POST", body: "x", headers });
    expect((await ask({ "content-type": "text/plain" })).status).toBe(400);
    expect((await ask({ "content-encoding": "gzip" })).status).toBe(415);
    expect(upstream.received).toEqual([]);
  });

  test("when there is no room to keep it until its model has come", async () => {
    const upstream = await startKeeper();
    const gateway = await launchWith(upstream.url);
    await writeFile(join(gateway.data, "spool"), "not a folder");
    const pieces = halves([file(20_000), model()]);
    const { request, answer } = beginUpload(gateway, path);
    request.write(pieces[0]);
    request.write(Buffer.alloc(2_000));
    const { status, text } = await answer;
    expect([status, errorCode(text)]).toEqual([503, "spool_failed"]);
    request.destroy();
  });
});

describe("an upload ends", () => {
  test("with its client, while it is passed on", async () => {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const upstream = await startReading((request) => {
      request.once("data", begin);
      request.once("error", () => resolve());
      request.resume();
    });
    const gateway = await launchWith(upstream.url);
    const { request } = beginUpload(gateway, path);
    request.write(halves([model(), file(20_000)])[0]);
    request.write(Buffer.alloc(2_000));
    await begun;
    request.destroy();
    await gone;
    await expect.poll(() => gateway.logText()).toMatch(/"status":499/);
    expect(await (await gateway.observe("/readyz")).json()).toMatchObject({ in_flight: 0 });
  });

  test("with its client, while it is spooled", async () => {
    const upstream = await startKeeper();
    const gateway = await launchWith(upstream.url);
    const { request } = beginUpload(gateway, path);
    request.write(halves([file(20_000), model()])[0]);
    request.write(Buffer.alloc(2_000));
    await expect.poll(() => readdir(gateway.data)).toContain("spool");
    request.destroy();
    await expect.poll(() => gateway.logText()).toMatch(/"status":499/);
    expect(upstream.received).toEqual([]);
    const metrics = await (await gateway.observe("/metrics")).text();
    expect(metrics).toMatch(/^nexus_buffered_bytes 0$/m);
  });

  test("with an answer that comes before it is complete, and the connection stays usable", async () => {
    const upstream = await startReading((request, response) => {
      request.once("data", () =>
        response
          .writeHead(422, { "content-type": "application/json" })
          .end('{"error":{"message":"no such language"}}'),
      );
    });
    const gateway = await launchWith(upstream.url, { NEXUS_GATEWAY_MAX_UPLOAD_BYTES: "9000000" });
    const [first, rest] = halves([model(), file(2_000_000)]);
    const { request, answer } = beginUpload(gateway, path);
    request.write(first);
    const { status, text } = await answer;
    expect([status, JSON.parse(text)]).toEqual([422, { error: { message: "no such language" } }]);
    request.end(rest);
    expect((await gateway.ask("/v1/models")).status).toBe(200);
  });
});
