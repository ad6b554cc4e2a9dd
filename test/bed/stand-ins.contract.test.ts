import { randomBytes } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { fetchImage, socketPath } from "./bed.ts";
import { member, startContainer } from "./containers.ts";
import { callEngine } from "./engine-http.ts";

const ollamaImage = "ollama/ollama:0.12.7";
const vllmImage = "vllm/vllm-openai:v0.11.0";
const scenarioImage = "nexus-test/scenario:1";

beforeAll(async () => {
  for (const image of [ollamaImage, vllmImage, scenarioImage]) await fetchImage(image);
});

async function statusOf(url: string): Promise<number> {
  return fetch(url).then(
    ({ status }) => status,
    () => 0,
  );
}

async function answering(url: string): Promise<void> {
  await expect.poll(async () => statusOf(url), { timeout: 10_000, interval: 25 }).toBe(200);
}

async function post(url: string, body: unknown, method = "POST"): Promise<Response> {
  return fetch(url, { method, body: JSON.stringify(body) });
}

async function pull(url: string, model: string): Promise<readonly unknown[]> {
  const text = await (await post(`${url}/api/pull`, { model })).text();
  return text
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

test("Ollama tells its pull as a stream that grows to its total, and then has the model", async () => {
  await using ollama = await startContainer({ image: ollamaImage, port: 11_434 });
  await answering(`${ollama.url}/api/version`);

  const lines = await pull(ollama.url, "llama3.2:3b");

  expect(lines.at(0)).toEqual({ status: "pulling manifest" });
  expect(lines.slice(-3).map((line) => member(line, "status"))).toEqual([
    "verifying sha256 digest",
    "writing manifest",
    "success",
  ]);
  const completed = lines.map((line) => member(line, "completed")).filter(Number.isInteger);
  expect(completed.length).toBeGreaterThan(5);
  expect(completed.at(-1)).toBe(member(lines.at(2), "total"));
  const tags: unknown = await (await fetch(`${ollama.url}/api/tags`)).json();
  expect(member(tags, "models", "0", "name")).toBe("llama3.2:3b");
});

test("Ollama says within a 200 stream that a model does not exist", async () => {
  await using ollama = await startContainer({ image: ollamaImage, port: 11_434 });
  await answering(`${ollama.url}/`);

  expect((await pull(ollama.url, "no-such-model")).at(-1)).toEqual({
    error: "pull model manifest: file does not exist",
  });
});

test("Ollama answers a chat for an absent model with OpenAI's 404, and streams one that is there", async () => {
  await using ollama = await startContainer({ image: ollamaImage, port: 11_434 });
  await answering(`${ollama.url}/`);
  const chat = { model: "qwen3:0.6b", stream: true, messages: [{ role: "user", content: "hi" }] };

  const missing = await post(`${ollama.url}/v1/chat/completions`, chat);
  await pull(ollama.url, "qwen3:0.6b");
  const stream = await (await post(`${ollama.url}/v1/chat/completions`, chat)).text();

  expect(missing.status).toBe(404);
  expect(member(await missing.json(), "error", "message")).toBe("model 'qwen3:0.6b' not found");
  expect(stream).toContain("ollama 0.12.7");
  expect(stream.trimEnd().endsWith("data: [DONE]")).toBe(true);
});

test("Ollama keeps its models in a volume across containers", async () => {
  const volume = `bed-${randomBytes(4).toString("hex")}`;
  const wish = { image: ollamaImage, port: 11_434, binds: [`${volume}:/root/.ollama`] };
  {
    await using first = await startContainer(wish);
    await answering(`${first.url}/`);
    await pull(first.url, "all-minilm");
  }
  {
    await using second = await startContainer(wish);
    await answering(`${second.url}/`);
    const models: unknown = await (await fetch(`${second.url}/v1/models`)).json();
    expect(member(models, "data", "0", "id")).toBe("all-minilm:latest");
  }
  await callEngine(socketPath, { method: "DELETE", path: `/volumes/${volume}` });
});

test("Ollama holds a loaded model in video memory only when it was given a GPU", async () => {
  await using ollama = await startContainer({ image: ollamaImage, port: 11_434, gpus: ["GPU-1"] });
  await answering(`${ollama.url}/`);
  await pull(ollama.url, "llama3.2:1b");

  await post(`${ollama.url}/api/generate`, { model: "llama3.2:1b" });

  const loaded: unknown = await (await fetch(`${ollama.url}/api/ps`)).json();
  expect(member(loaded, "models", "0", "size_vram")).toBeGreaterThan(0);
});

test("vLLM answers 503 while it loads and 200 afterwards", async () => {
  const env = ["STAND_IN_LOAD_MS=1500"];
  await using vllm = await startContainer({ image: vllmImage, port: 8000, env });

  const health = async () => statusOf(`${vllm.url}/health`);
  await expect.poll(health, { timeout: 10_000, interval: 25 }).toBe(503);
  await expect.poll(health, { timeout: 10_000, interval: 25 }).toBe(200);
});

test("the scenario is killed by memory when told to eat it", async () => {
  const env = ["SCENARIO_EAT_MEMORY_AFTER_MS=1"];
  await using hungry = await startContainer({
    image: scenarioImage,
    env,
    memoryBytes: 64 * 2 ** 20,
  });

  expect(await hungry.exitCode()).toBe(137);
  expect(member(await hungry.inspect(), "State", "OOMKilled")).toBe(true);
});

test("the scenario crashes with the code it was given", async () => {
  const env = ["SCENARIO_CRASH_AFTER_MS=1", "SCENARIO_CRASH_CODE=7"];
  await using doomed = await startContainer({ image: scenarioImage, env });

  expect(await doomed.exitCode()).toBe(7);
});

test("the scenario is alive and not ready when told never to become ready", async () => {
  const env = ["SCENARIO_READY_AFTER_MS=never"];
  await using waiting = await startContainer({ image: scenarioImage, port: 9000, env });

  await answering(`${waiting.url}/health`);
  const readiness = await fetch(`${waiting.url}/readyz`);
  expect(readiness.status).toBe(503);
  expect(member(await readiness.json(), "status")).toBe("loading");
});
