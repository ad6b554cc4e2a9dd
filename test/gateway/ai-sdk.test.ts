import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embed, generateText, isStepCount, Output, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { startVllm, type StandIn } from "../support/stand-in.ts";

let standIn: StandIn;
let gateway: TestGateway;

beforeAll(async () => {
  standIn = await startVllm("little", 5);
  gateway = await launchGateway();
  await gateway.configure(
    [upstreamAt(standIn.url, { probe: { path: "/health", models: "openai" } })],
    { fast: ["one/little"] },
  );
});
afterAll(async () => {
  await gateway.close();
  await standIn.stop();
});

function provider(apiKey = gateway.key) {
  const baseURL = `${gateway.url}/v1`;
  return createOpenAICompatible({
    name: "nexus",
    apiKey,
    baseURL,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
}
const chat = (model = "fast") => provider().chatModel(model);

const weather = tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

describe("the Vercel AI SDK", () => {
  test("generates text and counts tokens", async () => {
    const { text, usage, finishReason } = await generateText({ model: chat(), prompt: "hello" });
    expect(text).toContain("answers in a few words");
    expect(usage.totalTokens).toBeGreaterThan(5);
    expect(finishReason).toBe("stop");
  });

  test("streams text in pieces and ends with usage", async () => {
    const result = streamText({ model: chat(), prompt: "hello" });
    const pieces: string[] = [];
    for await (const piece of result.textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join("")).toBe(await result.text);
    expect((await result.usage).outputTokens).toBe(pieces.length);
  });

  test.each(["generate", "stream"] as const)("makes a tool round trip (%s)", async (way) => {
    const call = {
      model: chat(),
      prompt: "weather?",
      tools: { weather },
      stopWhen: isStepCount(3),
    };
    const result = way === "generate" ? await generateText(call) : streamText(call);
    expect(await result.text).toBe("the tool said: sunny in some text");
    expect((await result.steps).flatMap((step) => step.toolCalls)).toMatchObject([
      { toolName: "weather", input: { city: "some text" } },
    ]);
  });

  test("gets an object of the schema it asks for", async () => {
    const schema = z.object({ name: z.string(), age: z.number(), tags: z.array(z.string()) });
    const output = Output.object({ schema });
    const result = await generateText({ model: chat(), prompt: "who?", output });
    expect(result.output).toEqual({ name: "some text", age: 7, tags: ["some text"] });
  });

  test("shows an image to the model", async () => {
    const content = [
      { type: "text" as const, text: "what is this?" },
      { type: "file" as const, mediaType: "image/png", data: new Uint8Array([137, 80, 78, 71]) },
    ];
    const { text } = await generateText({ model: chat(), messages: [{ role: "user", content }] });
    expect(text).toContain("saw 1 image(s)");
  });

  test("embeds", async () => {
    const { embedding } = await embed({ model: provider().embeddingModel("fast"), value: "x" });
    expect(embedding).toHaveLength(16);
  });

  test("an abort in the middle of a stream ends it", async () => {
    const abort = new AbortController();
    const result = streamText({ model: chat(), prompt: "hello", abortSignal: abort.signal });
    const seen: string[] = [];
    for await (const part of result.stream) {
      seen.push(part.type);
      if (part.type === "text-delta") abort.abort();
    }
    expect(seen).toContain("abort");
    expect(seen).not.toContain("finish");
  });

  test.each([
    ["a wrong key", "nx_wrong", "fast", 401],
    ["an unknown model", undefined, "ghost", 404],
  ])("%s is an error with its status and message", async (_, key, name, status) => {
    const model = provider(key).chatModel(name);
    const failure = await generateText({ model, prompt: "hello", maxRetries: 0 }).catch(
      (error: unknown) => error,
    );
    if (!APICallError.isInstance(failure)) throw new Error(String(failure));
    expect(failure.statusCode).toBe(status);
    expect(failure.isRetryable).toBe(false);
  });
});
