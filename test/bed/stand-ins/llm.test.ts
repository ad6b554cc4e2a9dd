import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type StandIn, type StandInOptions, startStandIn } from "../../support/stand-in.ts";

const started: StandIn[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map(async ({ stop }) => stop()));
});

const model = "owner/model";

/** How each is told of its model and its port, and where it says that it is ready. */
const programs = {
  vllm: { args: ["--model", model, "--port", "{port}"], environment: {}, path: "/health" },
  sglang: {
    args: ["python3", "-m", "sglang.launch_server", "--port", "{port}", "--model-path", model],
    environment: {},
    path: "/health_generate",
  },
  llamacpp: {
    args: [],
    environment: { LLAMA_ARG_PORT: "{port}", LLAMA_ARG_HF_REPO: "x/y", LLAMA_ARG_ALIAS: model },
    path: "/health",
  },
  tei: { args: [], environment: { PORT: "{port}", MODEL_ID: model }, path: "/health" },
} as const;

type Program = keyof typeof programs;

async function start(
  program: Program,
  environment: Readonly<Record<string, string>> = {},
  until = 200,
): Promise<StandIn> {
  const { args, path, ...own } = programs[program];
  const options: StandInOptions = {
    args,
    path,
    until,
    environment: { ...own.environment, ...environment },
  };
  const standIn = await startStandIn(program, options);
  started.push(standIn);
  return standIn;
}

const get = async (standIn: StandIn, path: string) => fetch(standIn.url + path);

const post = async (standIn: StandIn, path: string, body: object) =>
  fetch(standIn.url + path, { method: "POST", body: JSON.stringify(body) });

async function modelsOf(standIn: StandIn): Promise<readonly string[]> {
  const list = (await (await get(standIn, "/v1/models")).json()) as { data: { id: string }[] };
  return list.data.map(({ id }) => id);
}

const chat = { model, messages: [{ role: "user", content: "hello" }] };
const servers = ["vllm", "sglang", "llamacpp"] as const;

const gpu = { NVIDIA_VISIBLE_DEVICES: "GPU-1" };
const onGpu = /platform cuda|device='cuda'|offloaded 29\/29 layers to GPU/;
const onCpu = /platform cpu|device='cpu'|offloaded 0\/29 layers to GPU/;

describe.each(servers)("%s", (program) => {
  test("lists the model it was given, answers chats and completions, and says where it computes", async () => {
    const standIn = await start(program, gpu);
    expect(await modelsOf(standIn)).toEqual([model]);
    const answer = await post(standIn, "/v1/chat/completions", chat);
    expect(await answer.json()).toMatchObject({ model, choices: [{ finish_reason: "stop" }] });
    const completion = await post(standIn, "/v1/completions", { model, prompt: "hello" });
    expect(await completion.json()).toMatchObject({
      object: "text_completion",
      choices: [{ text: expect.stringMatching(/\w/) }],
    });
    const other = await post(standIn, "/v1/chat/completions", { ...chat, model: "any" });
    // llama.cpp has one model and does not look at its name.
    expect(other.status).toBe(program === "llamacpp" ? 200 : 404);
    expect(standIn.output()).toMatch(onGpu);
  });

  test("can load for ever, serve another model, and compute on the processor", async () => {
    const lie = async (about: string, until = 200) =>
      start(program, { ...gpu, STAND_IN_LIE: about }, until);
    const [, wrong, slow] = await Promise.all([
      lie("never-ready", 503),
      lie("wrong-model"),
      lie("cpu"),
    ]);
    expect(await modelsOf(wrong)).toEqual(["another/model"]);
    expect(slow.output()).toMatch(onCpu);
  });
});

test("llama.cpp and SGLang have metrics where they are told to", async () => {
  const llamacpp = await start("llamacpp", { LLAMA_ARG_ENDPOINT_METRICS: "1" });
  expect(await (await get(llamacpp, "/metrics")).text()).toMatch(/^llamacpp:/);
  expect((await get(await start("llamacpp"), "/metrics")).status).toBe(501);
  expect((await get(await start("sglang"), "/metrics")).status).toBe(404);
});

test("vLLM can say that it is ready without a model", async () => {
  const empty = await start("vllm", { STAND_IN_LIE: "ready-without-model" });
  expect(await modelsOf(empty)).toEqual([]);
  expect((await post(empty, "/v1/chat/completions", chat)).status).toBe(404);
});

test("llama.cpp says in its own words that it is loading", async () => {
  const loading = await start("llamacpp", { STAND_IN_LOAD_MS: "60000" }, 503);
  expect(await (await get(loading, "/health")).json()).toMatchObject({
    error: { code: 503, message: "Loading model", type: "unavailable_error" },
  });
});

describe("text-embeddings-inference", () => {
  test("embeds and tells its model; it has no list and does not rank with such a model", async () => {
    const standIn = await start("tei");
    expect(await (await get(standIn, "/info")).json()).toMatchObject({ model_id: model });
    expect((await get(standIn, "/v1/models")).status).toBe(404);
    const answer = await post(standIn, "/v1/embeddings", { input: ["a", "b"] });
    expect(await answer.json()).toMatchObject({ data: [{ index: 0 }, { index: 1 }] });
    const refused = await post(standIn, "/rerank", { query: "a", texts: ["b"] });
    expect(refused.status).toBe(424);
    expect(await refused.json()).toEqual({
      error: "model is not a re-ranker model",
      error_type: "Backend",
    });
  });

  test("refuses an empty list and one that is too long", async () => {
    const standIn = await start("tei", { MODEL_ID: "owner/reranker", MAX_CLIENT_BATCH_SIZE: "2" });
    const statusOf = async (texts: readonly string[]) =>
      (await post(standIn, "/rerank", { query: "a", texts })).status;
    expect(await statusOf([])).toBe(400);
    expect(await statusOf(["a", "b", "c"])).toBe(413);
    expect(await statusOf(["a", "b"])).toBe(200);
  });
});

describe("Ollama told to lie", () => {
  const ollama = async (lie: string, until = 200): Promise<StandIn> => {
    const home = await mkdtemp(join(tmpdir(), "ollama-"));
    const environment = { STAND_IN_PORT: "{port}", OLLAMA_MODELS: home, STAND_IN_LIE: lie };
    const standIn = await startStandIn("ollama", { environment, path: "/api/version", until });
    const stop = async () => {
      await standIn.stop();
      await rm(home, { recursive: true });
    };
    started.push({ ...standIn, stop });
    return standIn;
  };

  test.each([
    ["ready-without-model", []],
    ["wrong-model", ["another:latest"]],
  ])("fetches and then has %s", async (lie, listed) => {
    const standIn = await ollama(lie);
    expect(await (await post(standIn, "/api/pull", { model: "qwen3:0.6b" })).text()).toContain(
      '"success"',
    );
    expect(await modelsOf(standIn)).toEqual(listed);
    const answer = await post(standIn, "/v1/chat/completions", { ...chat, model: "qwen3:0.6b" });
    expect(answer.status).toBe(404);
  });

  test("is 503 for ever", async () => {
    const standIn = await ollama("never-ready", 503);
    expect((await get(standIn, "/api/tags")).status).toBe(503);
  });
});
