import type { Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ollama } from "ollama";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverOf } from "../bed/stand-ins/serve.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";

let models: string;
let standIn: Server;
let gateway: TestGateway;
let client: Ollama;

const clientWith = (key: string) =>
  new Ollama({
    host: `${gateway.url}/services/ollama`,
    headers: { authorization: `Bearer ${key}` },
  });
const messages = [{ role: "user", content: "one two" }];
const model = "llama3.2:3b";

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), "nexus-ollama-"));
  Object.assign(process.env, {
    OLLAMA_MODELS: models,
    STAND_IN_VERSION: "1.2.3",
    STAND_IN_LOAD_MS: "20",
    STAND_IN_CHUNK_MS: "20",
  });
  // The stand-in reads its settings when it is loaded.
  const { routes } = await import("../bed/stand-ins/ollama/routes.ts");
  standIn = serverOf(routes);
  await new Promise<void>((resolve) => void standIn.listen(0, "127.0.0.1", resolve));
  gateway = await launchGateway();
  const url = `http://127.0.0.1:${(standIn.address() as AddressInfo).port}`;
  const probe = { path: "/api/version", models: "ollama" };
  await gateway.configure([upstreamAt(url, { id: "ollama", provides: ["chat"], probe })]);
  client = clientWith(await gateway.addKey({ name: "boss", scopes: ["admin"] }));
});

afterAll(async () => {
  await gateway.close();
  standIn.closeAllConnections();
  await new Promise((resolve) => standIn.close(resolve));
  await rm(models, { recursive: true, force: true });
});

describe("Ollama's own client, with an admin key", () => {
  test("pulls with progress, and what it pulled is listed and shown", async () => {
    const told: number[] = [];
    for await (const { status, completed, total } of await client.pull({ model, stream: true })) {
      if (completed) told.push(completed / total);
      expect(status).toMatch(/^(pulling|verifying|writing|success)/);
    }
    expect(told.length).toBeGreaterThan(10);
    expect(told.at(-1)).toBe(1);
    await client.pull({ model: "nomic-embed-text" });
    const { models: listed } = await client.list();
    expect(listed.map(({ name }) => name)).toEqual([model, "nomic-embed-text:latest"]);
    expect((await client.show({ model })).capabilities).toEqual(["completion", "tools"]);
    expect(await client.version()).toEqual({ version: "1.2.3" });
  });

  test("chats and generates, in one piece and word by word as the words are made", async () => {
    const whole = await client.chat({ model, messages });
    expect(whole.message.content).toBe("ollama 1.2.3 heard: one two");
    const words: string[] = [];
    const at: number[] = [];
    for await (const { message } of await client.chat({ model, messages, stream: true })) {
      words.push(message.content);
      at.push(performance.now());
    }
    expect(words).toEqual(["ollama 1.2.3 heard:", " one", " two", ""]);
    expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeGreaterThan(20);
    const { response, done } = await client.generate({ model, prompt: "say" });
    expect([response, done]).toEqual(["ollama 1.2.3 answers", true]);
  });

  test("calls tools and hears of their answers", async () => {
    const look = { type: "function", function: { name: "look", description: "", parameters: {} } };
    const asked = await client.chat({ model, messages, tools: [look] });
    expect(asked.message.tool_calls).toEqual([
      { function: { name: "look", arguments: { at: 1 } } },
    ]);
    const told = { role: "tool", tool_name: "look", content: "a door" };
    const answered = await client.chat({ model, messages: [...messages, told], tools: [look] });
    expect(answered.message.content).toContain("a door");
  });

  test("embeds", async () => {
    const { embeddings } = await client.embed({ model: "nomic-embed-text", input: ["a", "bcd"] });
    expect(embeddings).toEqual([
      [1, 0.5, -0.25],
      [3, 0.5, -0.25],
    ]);
  });

  test("leaves in the middle of an answer", async () => {
    const content = Array.from({ length: 500 }, (_, index) => String(index)).join(" ");
    const long = [{ role: "user", content }];
    const stream = await client.chat({ model, messages: long, stream: true });
    const reading = async () => {
      for await (const part of stream) if (part.message.content.includes("1")) stream.abort();
    };
    await expect(reading()).rejects.toThrow(/abort/i);
    await gateway.control.call({ op: "drain", url: String(await upstreamUrl()) });
  });

  test("hears Ollama's own errors, and deletes", async () => {
    const asking = client.chat({ model: "ghost", messages });
    await expect(asking).rejects.toMatchObject({
      error: "model 'ghost' not found",
      status_code: 404,
    });
    await client.delete({ model });
    expect((await client.list()).models).toHaveLength(1);
  });
});

test("Ollama's own client with an inference key is refused", async () => {
  await expect(clientWith(gateway.key).list()).rejects.toMatchObject({ status_code: 403 });
});

async function upstreamUrl(): Promise<string | undefined> {
  const { services } = (await (await gateway.observe("/readyz")).json()) as {
    services: readonly { url: string }[];
  };
  return services[0]?.url;
}
