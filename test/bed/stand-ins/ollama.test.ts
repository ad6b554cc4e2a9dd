import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ollama, ollamaStore } from "../../support/ai-infra/ollama.ts";
import { writeFiles } from "../../support/ai-infra/write.ts";
import { type StandIn, startStandIn } from "../../support/stand-in.ts";

let folder: string;
let standIn: StandIn;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-store-"));
  const models = [
    { name: "qwen3", tag: "8b" },
    { name: "llama3.2", tag: "1b", state: "blob-missing" },
    { name: "qwen3", tag: "235b", state: "empty-manifest" },
    { name: "What-GGUF", tag: "latest", below: "hf.co/who" },
  ] as const;
  await writeFiles(folder, ollama(models));
  standIn = await startStandIn("ollama", {
    args: [],
    path: "/api/version",
    environment: { STAND_IN_PORT: "{port}", OLLAMA_MODELS: join(folder, ollamaStore) },
  });
});

afterAll(async () => {
  await standIn.stop();
  await rm(folder, { recursive: true });
});

test("a store that a real Ollama made is listed by names, and an empty manifest is passed over", async () => {
  const answer = await fetch(`${standIn.url}/api/tags`);
  const { models } = (await answer.json()) as { models: readonly { name: string }[] };
  expect(models.map(({ name }) => name)).toEqual([
    "hf.co/who/What-GGUF:latest",
    "llama3.2:1b",
    "qwen3:8b",
  ]);
});

test.for([
  ["qwen3:8b", 200],
  ["hf.co/who/What-GGUF", 200],
  ["llama3.2:1b", 500],
  ["qwen3:235b", 404],
] as const)("%s answers with %s", async ([model, status]) => {
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "hello" }] });
  const answer = await fetch(`${standIn.url}/v1/chat/completions`, { method: "POST", body });
  expect(answer.status).toBe(status);
});
