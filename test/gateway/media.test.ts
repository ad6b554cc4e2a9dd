import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  errorOf,
  jsonOf,
  launchGateway,
  upstreamAt,
  type TestGateway,
} from "../support/gateway.ts";
import { pictureBytes, readForm, soundBytes } from "../support/media.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;
let client: OpenAI;

const provides = ["chat", "rerank", "image", "tts", "asr"];

beforeAll(async () => {
  upstream = await startUpstream(["echo", "media"]);
  gateway = await launchGateway();
  await gateway.configure([upstreamAt(upstream.url, { provides })], { voice: ["one/media"] });
  client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

function lastReceived() {
  const last = upstream.received.at(-1);
  if (!last) throw new Error("nothing was received");
  return last;
}

const lastBody = () => JSON.parse(lastReceived().body);

describe("the official openai client", () => {
  test("writes speech to a file, by the alias of a voice", async () => {
    const speech = await client.audio.speech.create({ model: "voice", voice: "x", input: "hello" });
    const file = join(gateway.data, "speech.wav");
    await writeFile(file, Buffer.from(await speech.arrayBuffer()));
    expect(await readFile(file)).toEqual(soundBytes);
    expect(speech.headers.get("content-type")).toBe("audio/wav");
    expect(lastBody()).toEqual({ model: "media", voice: "x", input: "hello" });
  });

  test("gets an image as base64", async () => {
    const { data } = await client.images.generate({ model: "media", prompt: "a cat" });
    expect(Buffer.from(data?.[0]?.b64_json ?? "", "base64")).toEqual(pictureBytes);
  });

  test("edits an image that is a file", async () => {
    const image = await toFile(pictureBytes, "cat.png", { type: "image/png" });
    const { data } = await client.images.edit({ image, prompt: "a hat", model: "media" });
    expect(Buffer.from(data?.[0]?.b64_json ?? "", "base64")).toEqual(pictureBytes);
    expect(await readForm(lastReceived())).toMatchObject({
      image: { name: "cat.png", type: "image/png", bytes: pictureBytes },
      prompt: "a hat",
    });
  });

  test.each([
    ["before", { model: "voice", file: 0 }],
    ["behind", { file: 0, model: "voice" }],
  ])("has a file transcribed, its model named %s it", async (_, order) => {
    const path = join(gateway.data, "sound.wav");
    await writeFile(path, soundBytes);
    const ask = { ...order, file: createReadStream(path) };
    const { text } = await client.audio.transcriptions.create(ask);
    expect(text).toBe(`${soundBytes.length} bytes heard by "media"`);
    const words = await client.audio.transcriptions.create({
      ...ask,
      response_format: "text",
      file: createReadStream(path),
    });
    expect(words).toBe(text);
    const stream = await client.audio.transcriptions.create({
      ...ask,
      stream: true,
      file: createReadStream(path),
    });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types).toEqual(["transcript.text.delta", "transcript.text.done"]);
    const { text: english } = await client.audio.translations.create({
      ...ask,
      file: createReadStream(path),
    });
    expect(english).toBe(text);
  });

  test("creates a response and streams one in the order of its events", async () => {
    const input = "one two";
    const whole = await client.responses.create({ model: "echo", input });
    expect(whole.output_text).toBe("one two");
    const events: string[] = [];
    for await (const event of await client.responses.create({
      model: "echo",
      input,
      stream: true,
    })) {
      expect(event.sequence_number).toBe(events.length);
      events.push(event.type);
    }
    expect(events[0]).toBe("response.created");
    expect(events.at(-1)).toBe("response.completed");
  });
});

describe("an endpoint that no client library covers", () => {
  test("ranks documents, with and without a model", async () => {
    const ask = (body: object) =>
      gateway.ask("/v1/rerank", { method: "POST", body: JSON.stringify(body) });
    const documents = ["first", "second"];
    const named = await jsonOf(await ask({ model: "media", query: "q", documents }));
    expect(named).toMatchObject({ model: "media", results: [{ index: 0 }, { index: 1 }] });
    const unnamed = await ask({ query: "q", documents });
    expect(unnamed.headers.get("x-router-reason")).toBe("capability:rerank");
    expect(await jsonOf(unnamed)).toMatchObject({ model: "default" });
  });
});

describe("speech", () => {
  const ask = (body: object) =>
    gateway.ask("/v1/audio/speech", { method: "POST", body: JSON.stringify(body) });

  test("passes on as it is made: the first bytes come before the last are", async () => {
    const { promise: finish, resolve } = Promise.withResolvers<void>();
    upstream.behave({
      "/v1/audio/speech": async (_, response) => {
        response.writeHead(200, { "content-type": "audio/wav" });
        response.write("first");
        await finish;
        response.end("last");
      },
    });
    const reader = (await ask({ input: "hello" })).body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? "").toString()).toBe("first");
    resolve();
    expect(Buffer.from((await reader?.read())?.value ?? "").toString()).toBe("last");
    expect((await reader?.read())?.done).toBe(true);
  });

  test("comes as events when it is asked for so", async () => {
    const other = await startUpstream(["voices"]);
    await gateway.configure([upstreamAt(other.url, { provides: ["audio"] })]);
    const response = await ask({ input: "hello", stream_format: "sse" });
    const text = await response.text();
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(text).toContain('data: {"type":"speech.audio.done"}');
    await other.stop();
  });

  test("of a stack that has no voice is refused and says so", async () => {
    const other = await startUpstream(["echo"]);
    await gateway.configure([upstreamAt(other.url)]);
    const response = await ask({ input: "hello" });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({
      code: "unsupported_endpoint_for_model",
      message: "No model serves /v1/audio/speech; no service here does.",
    });
    await other.stop();
  });
});

test("a base url without /v1 reaches the same endpoints, a slash at the end too", async () => {
  const other = await startUpstream(["echo"]);
  await gateway.configure([upstreamAt(other.url)]);
  const body = JSON.stringify({ model: "echo", messages: [] });
  for (const path of ["/chat/completions", "/chat/completions/", "/v1/chat/completions/"]) {
    expect((await gateway.ask(path, { method: "POST", body })).status).toBe(200);
  }
  for (const path of ["/models", "/models/echo", "/v1/models/echo/"]) {
    expect((await gateway.ask(path)).status).toBe(200);
  }
  for (const path of ["/responses/resp_x", "/v1/responses/resp_x/", "/responses/x/input_items/"]) {
    expect(await errorOf(await gateway.ask(path))).toMatchObject({ code: "response_not_found" });
  }
  expect((await fetch(`${gateway.url}/models`)).status).toBe(401);
  await other.stop();
});
