import type { Server } from "node:http";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApp } from "../../templates/example/app.ts";
import { embedText } from "../../templates/example/embeddings.ts";
import { readSettings } from "../../templates/example/settings.ts";
import { tokenize } from "../../templates/example/tokens.ts";
import { WarmUp } from "../../templates/example/warm-up.ts";

const warmUp = new WarmUp(0);
const servers: Server[] = [];
let base = "";
let openai: OpenAI;

async function listen(readiness: WarmUp): Promise<string> {
  const settings = readSettings({ SERVICE_NAME: "mine", TOKEN_DELAY_MS: "0" });
  const server = createApp(settings, readiness);
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
}

beforeAll(async () => {
  await warmUp.run();
  base = await listen(warmUp);
  openai = new OpenAI({ apiKey: "none", baseURL: `${base}/v1`, maxRetries: 0 });
});

afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(base + path);
  return { status: response.status, body: await response.json() };
}

async function post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(base + path, { method: "POST", body: text });
  return { status: response.status, body: await response.json() };
}

const hello = [{ role: "user" as const, content: "Hello brave new world" }];

test("it lives, is ready and says what it is", async () => {
  expect(await get("/health")).toEqual({ status: 200, body: { status: "ok" } });
  expect(await get("/readyz")).toMatchObject({
    status: 200,
    body: { ready: true, status: "ready", checks: { model_loaded: true } },
  });
  expect((await get("/v1/metadata")).body).toMatchObject({
    schema_version: "v1",
    service: { name: "mine", version: "1.0.0" },
    capabilities: { domains: ["chat", "embedding", "tool"], streaming: true, max_concurrency: 32 },
    ui: {
      options: expect.arrayContaining([expect.objectContaining({ key: "mode", type: "enum" })]),
    },
  });
  expect((await get("/v1/descriptor")).body).toMatchObject({
    schema_version: "v1",
    response_types: { streaming: "text/event-stream" },
    ui_navigation: { group: "Tools" },
  });
});

test("it says 503 with its progress while it loads, and 503 while it stops", async () => {
  const loading = new WarmUp(1_000_000);
  const url = await listen(loading);
  const answer = await fetch(`${url}/readyz`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({
    ready: false,
    stage: "loading the model",
    progress: 0,
  });
  loading.drain();
  expect(loading.readiness()).toMatchObject({ ready: false, status: "stopping" });
});

test("every endpoint it advertises exists", async () => {
  const { endpoints } = (await get("/v1/metadata")).body as {
    endpoints: { path: string; method: string }[];
  };
  for (const { path, method } of endpoints) {
    const { status } = await fetch(base + path, { method });
    expect([path, status]).not.toEqual([path, 404]);
    expect([path, status]).not.toEqual([path, 405]);
  }
});

test("the OpenAI client lists its models and finds one", async () => {
  const { data } = await openai.models.list();
  expect(data.map(({ id }) => id)).toEqual(["echo-1", "hash-embedding-1"]);
  expect((await openai.models.retrieve("echo-1")).id).toBe("echo-1");
  await expect(openai.models.retrieve("gpt-4")).rejects.toMatchObject({ code: "model_not_found" });
});

test("the OpenAI client chats", async () => {
  const answer = await openai.chat.completions.create({ model: "echo-1", messages: hello });
  expect(answer.choices[0]).toMatchObject({
    finish_reason: "stop",
    message: { role: "assistant", content: "Hello brave new world" },
  });
  expect(answer.usage).toEqual({ prompt_tokens: 4, completion_tokens: 4, total_tokens: 8 });
});

test("the OpenAI client streams, token by token, with usage when asked for", async () => {
  const stream = await openai.chat.completions.create({
    model: "echo-1",
    messages: hello,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  const texts = chunks.map(({ choices }) => choices[0]?.delta.content ?? "");
  expect(texts).toEqual(["", "Hello", " brave", " new", " world", "", ""]);
  expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 8 } });
});

test("a stream ends with [DONE] and holds no usage unless asked for", async () => {
  const body = JSON.stringify({ model: "echo-1", messages: hello, stream: true });
  const response = await fetch(`${base}/v1/chat/completions`, { method: "POST", body });
  const text = await response.text();
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(text.trimEnd().split("\n\n").at(-1)).toBe("data: [DONE]");
  expect(text).not.toContain("usage");
});

test("limits are honoured: max_tokens, max_completion_tokens, stop", async () => {
  const ask = async (limits: object): Promise<unknown> => {
    const body = { model: "echo-1", messages: hello, ...limits };
    return (await post("/v1/chat/completions", body)).body;
  };
  const cut = { choices: [{ finish_reason: "length", message: { content: "Hello brave" } }] };
  expect(await ask({ max_tokens: 2 })).toMatchObject(cut);
  expect(await ask({ max_completion_tokens: 2, max_tokens: 3 })).toMatchObject(cut);
  expect(await ask({ stop: ["new", " brave"] })).toMatchObject({
    choices: [{ finish_reason: "stop", message: { content: "Hello" } }],
  });
});

test("multimodal messages are accepted; what is no text is named", async () => {
  const answer = await openai.chat.completions.create({
    model: "echo-1",
    messages: [
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        ],
      },
    ],
  });
  expect(answer.choices[0]?.message.content).toBe("What is this?\n[image_url]");
});

test.each([
  ["an unknown model", { model: "gpt-4", messages: hello }, 404, "model"],
  ["a model for something else", { model: "hash-embedding-1", messages: hello }, 400, "model"],
  ["no messages", { model: "echo-1" }, 400, "messages"],
  ["a message without a role", { model: "echo-1", messages: [{}] }, 400, "messages[0]"],
  ["two answers", { model: "echo-1", messages: hello, n: 2 }, 400, "n"],
  ["a bad limit", { model: "echo-1", messages: hello, max_tokens: 0 }, 400, "max_tokens"],
  ["a bad stop", { model: "echo-1", messages: hello, stop: [1] }, 400, "stop"],
  ["a body that is no JSON", "{", 400, null],
])("%s is refused in OpenAI's shape", async (_case, body, status, param) => {
  expect(await post("/v1/chat/completions", body)).toMatchObject({
    status,
    body: { error: { type: "invalid_request_error", param, message: expect.any(String) } },
  });
});

test("unknown paths and methods are refused in OpenAI's shape", async () => {
  expect(await get("/v1/nothing")).toMatchObject({
    status: 404,
    body: { error: { code: "not_found" } },
  });
  const response = await fetch(`${base}/v1/models`, { method: "DELETE" });
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("GET");
});

test("the OpenAI client embeds: deterministic, of length 1, near for texts that share words", async () => {
  const input = ["a cat sat on the mat", "the cat sat on a mat", "quarterly revenue grew"];
  const { data, usage } = await openai.embeddings.create({ model: "hash-embedding-1", input });
  const [one, near, far] = data.map(({ embedding }) => embedding);
  const dot = (a: number[] = [], b: number[] = []): number =>
    a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  expect(one).toHaveLength(256);
  expect(dot(one, one)).toBeCloseTo(1, 5);
  expect(dot(one, near)).toBeGreaterThan(dot(one, far) + 0.4);
  expect(usage.prompt_tokens).toBe(15);
  expect([...embedText("a cat", 8)]).toEqual([...embedText("a cat", 8)]);
});

test("floats and base64 say the same, in as many dimensions as asked for", async () => {
  const ask = async (format: "float" | "base64"): Promise<unknown> => {
    const wanted = { model: "hash-embedding-1", input: "hi there", dimensions: 16 };
    const { body } = await post("/v1/embeddings", { ...wanted, encoding_format: format });
    return (body as { data: { embedding: unknown }[] }).data[0]?.embedding;
  };
  const bytes = Buffer.from(String(await ask("base64")), "base64");
  const decoded = Array.from({ length: 16 }, (_, index) => bytes.readFloatLE(index * 4));
  expect(decoded).toEqual(await ask("float"));
});

test.each([
  ["nothing", {}, "input"],
  ["an empty text", { input: "" }, "input"],
  ["too many dimensions", { input: "a", dimensions: 5_000 }, "dimensions"],
  ["an unknown format", { input: "a", encoding_format: "int8" }, "encoding_format"],
])("embedding %s is refused", async (_case, body, param) => {
  const answer = await post("/v1/embeddings", { model: "hash-embedding-1", ...body });
  expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
});

test("token numbers are accepted as input", async () => {
  const input = [[1, 2, 3], [4]];
  const { data } = await openai.embeddings.create({ model: "hash-embedding-1", input });
  expect(data).toHaveLength(2);
});

test("tokens joined are the text again", () => {
  for (const text of ["", " a  b\n", "one", "tail "]) expect(tokenize(text).join("")).toBe(text);
});

test("the form's endpoint takes every field the form describes, and checks it", async () => {
  const options = { mode: "upper", threshold: 1, repeat: 2, trim: false };
  expect(await post("/v1/example/process", { text: " a a", ...options })).toMatchObject({
    status: 200,
    body: { result: " A A\n A A", score: 0.5, varied: false },
  });
  for (const [param, value] of [
    ["text", 1],
    ["mode", "x"],
    ["threshold", 2],
    ["repeat", 1.5],
    ["trim", 1],
  ]) {
    const answer = await post("/v1/example/process", { text: "a", [String(param)]: value });
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
  }
});
