import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  errorOf,
  idsOf,
  jsonOf,
  launchGateway,
  upstreamAt,
  type TestGateway,
} from "../support/gateway.ts";
import { reply, startUpstream, type TestUpstream } from "../support/upstream.ts";

type Listed = Readonly<Record<string, unknown> & { id: string }>;

let vllm: TestUpstream;
let ollama: TestUpstream;
let speaker: TestUpstream;
let gateway: TestGateway;
const shown: string[] = [];

beforeAll(async () => {
  [vllm, ollama, speaker] = await Promise.all([
    startUpstream(),
    startUpstream(["llama3:latest", "embed:v1", "odd:v1"]),
    startUpstream(["voice"]),
  ]);
  const data = [
    { id: "org/qwen:8b", object: "model", created: 7, owned_by: "vllm", max_model_len: 32_768 },
    { id: "gguf", meta: { n_ctx_train: 4_096 }, capabilities: ["completion", 1] },
    { id: "silent", max_model_len: "many" },
  ];
  vllm.behave({
    "/v1/models": (_, response) => reply(response, 200, JSON.stringify({ object: "list", data })),
  });
  ollama.behave({ "/api/tags": (_, response) => reply(response, 200, tags()), "/api/show": show });
  const metadata = {
    schema_version: "v1",
    service: { name: "speaker" },
    capabilities: { context_length: 512 },
  };
  speaker.behave({
    "/v1/metadata": (_, response) => reply(response, 200, JSON.stringify(metadata)),
  });
  gateway = await launchGateway({ NEXUS_GATEWAY_POLL_READY_MS: "20" });
  await gateway.configure(
    [
      upstreamAt(vllm.url, { id: "vllm", provides: ["chat", "ui"] }),
      upstreamAt(ollama.url, { id: "ollama", provides: ["chat"], probe: { models: "ollama" } }),
      upstreamAt(speaker.url, { id: "speaker", provides: ["tts", "tool"] }),
    ],
    { fast: ["gone/x", "ollama/llama3"] },
  );
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([vllm.stop(), ollama.stop(), speaker.stop()]);
});

const tags = () => JSON.stringify({ models: ollama.models.map((name) => ({ name })) });

function show({ body }: Readonly<{ body: string }>, response: Parameters<typeof reply>[0]): void {
  const { model } = JSON.parse(body) as { model: string };
  shown.push(model);
  if (model.startsWith("odd")) return reply(response, 404, '{"error":"not found"}');
  const embeds = model.startsWith("embed");
  const info = { "general.architecture": "arch", "arch.context_length": embeds ? 2_048 : 131_072 };
  const capabilities = embeds ? ["embedding"] : ["completion", "tools"];
  reply(response, 200, JSON.stringify({ model_info: info, capabilities }));
}

async function modelNamed(name: string): Promise<Listed> {
  return jsonOf<Listed>(await gateway.ask(`/v1/models/${name}`));
}

/** A model once something is known of it. */
async function untilKnown(name: string): Promise<Listed> {
  for (;;) {
    const found = await modelNamed(name);
    if (found["context_length"] !== undefined) return found;
  }
}

describe("the list of models", () => {
  test("tells who serves each, what it can do and how much fits, where that is known", async () => {
    await untilKnown("embed:v1");
    const { data } = await jsonOf<{ data: Listed[] }>(await gateway.ask("/v1/models"));
    const told = data.map(({ id, service, capabilities, context_length: length }) => [
      id,
      service,
      capabilities,
      length,
    ]);
    expect(told).toEqual([
      ["org/qwen:8b", "vllm", ["chat"], 32_768],
      ["gguf", "vllm", ["completion"], 4_096],
      ["silent", "vllm", ["chat"], undefined],
      ["llama3:latest", "ollama", ["chat", "completion", "tools"], 131_072],
      ["embed:v1", "ollama", ["embedding"], 2_048],
      ["odd:v1", "ollama", ["chat"], undefined],
      ["voice", "speaker", ["tts"], 512],
      ["fast", "ollama", ["chat", "completion", "tools"], 131_072],
    ]);
    expect(data[0]).toMatchObject({ object: "model", created: 7, owned_by: "vllm" });
    expect(data.at(-1)).toMatchObject({ alias_of: "ollama/llama3", owned_by: "alias" });
  });

  test("asks Ollama once for each model, and again for one that is new", async () => {
    await untilKnown("embed:v1");
    ollama.models.push("young:v1");
    await untilKnown("young:v1");
    expect(shown.filter((name) => name === "llama3:latest")).toHaveLength(1);
    expect(shown.filter((name) => name === "young:v1")).toHaveLength(1);
    ollama.models.pop();
  });

  test.each([
    "org/qwen:8b",
    "org%2Fqwen:8b",
    "org%2Fqwen%3A8b",
    "vllm/org/qwen:8b",
    "vllm%2Forg%2Fqwen%3A8b",
  ])("finds one model by %s", async (name) => {
    expect(await modelNamed(name)).toMatchObject({ id: decodeURIComponent(name), service: "vllm" });
  });

  test("finds Ollama's models without their default tag, as requests do", async () => {
    expect(await modelNamed("llama3")).toMatchObject({ id: "llama3", service: "ollama" });
    expect((await gateway.ask("/v1/models/embed")).status).toBe(404);
  });

  test("shows a limited key only what it may use, by alias too", async () => {
    const key = await gateway.addKey({ name: "limited", models: ["ollama/llama3:latest"] });
    const headers = { authorization: `Bearer ${key}` };
    expect(await idsOf(await gateway.ask("/v1/models", { headers }))).toEqual([
      "llama3:latest",
      "fast",
    ]);
    expect((await gateway.ask("/v1/models/gguf", { headers })).status).toBe(404);
    const services = await gateway.ask("/v1/services", { headers });
    const { data } = await jsonOf<{ data: { id: string; models: string[] }[] }>(services);
    expect(data.map(({ id, models }) => [id, models])).toEqual([
      ["vllm", []],
      ["ollama", ["llama3:latest"]],
      ["speaker", []],
    ]);
  });

  test("hints a limited key at no model that it may not use", async () => {
    const key = await gateway.addKey({ name: "hinted", models: ["fast"] });
    const headers = { authorization: `Bearer ${key}` };
    const hint = async (model: string) =>
      String((await errorOf(await gateway.chat({ model }, { headers })))["message"]);
    expect(await hint("ggu")).not.toContain("gguf");
    expect(await hint("fas")).toContain("Did you mean fast?");
  });

  test("leaves out the models of a service that is not ready, until it is", async () => {
    speaker.readiness.status = 503;
    while ((await gateway.ask("/v1/models/voice")).status !== 404);
    expect(await idsOf(await gateway.ask("/v1/models"))).not.toContain("voice");
    speaker.readiness.status = 200;
    expect(await untilKnown("voice")).toMatchObject({ service: "speaker", context_length: 512 });
  });
});
