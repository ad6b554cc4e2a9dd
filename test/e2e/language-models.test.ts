import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ran, type StackFolder, stackFolder } from "../support/cli.ts";

const services = ["vllm", "llamacpp", "tei", "tei-rerank"]
  .map((id) => `  ${id}:\n    template: ${id}\n    ready: proven\n    stall_timeout: 5s\n`)
  .join("");

describe("servers of language models, embeddings and rankings under their real names", () => {
  let stack: StackFolder;
  let up: Ran;

  beforeAll(async () => {
    stack = await stackFolder(services);
    up = await stack.run("up");
  });
  afterAll(async () => stack[Symbol.asyncDispose]());

  test("are brought up with their models and proven by chats, vectors and a ranking", () => {
    expect(up.stderr).toContain("tei-rerank");
    expect(up.exitCode).toBe(0);
  });

  test("answer through the gateway by the names of their models", async () => {
    const ask = async (path: string, body: object): Promise<unknown> => {
      const headers = { authorization: `Bearer ${stack.key()}` };
      const request = { method: "POST", headers, body: JSON.stringify(body) };
      return (await fetch(`${stack.api}/v1${path}`, request)).json();
    };
    const messages = [{ role: "user", content: "hello" }];
    for (const model of ["Qwen/Qwen3-0.6B", "Qwen/Qwen2.5-1.5B-Instruct-GGUF:Q4_K_M"])
      expect(await ask("/chat/completions", { model, messages })).toMatchObject({ model });
    expect(
      await ask("/embeddings", { model: "BAAI/bge-small-en-v1.5", input: "hello" }),
    ).toMatchObject({ data: [{ index: 0 }] });
    expect(
      await ask("/rerank", {
        model: "BAAI/bge-reranker-base",
        query: "which is a fruit",
        documents: ["a stone", "a fruit"],
      }),
    ).toMatchObject({ results: [{ index: 1 }, { index: 0 }] });
  });
});
