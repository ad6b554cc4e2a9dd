import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
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

const access = (apiKey = gateway.key) => ({
  apiKey,
  configuration: { baseURL: `${gateway.url}/v1` },
  maxRetries: 0,
});
const chat = (model = "fast", apiKey = gateway.key) =>
  new ChatOpenAI({ model, ...access(apiKey), streamUsage: true });

const weather = tool(async ({ city }: { city: string }) => `sunny in ${city}`, {
  name: "weather",
  description: "The weather in a city.",
  schema: z.object({ city: z.string() }),
});

describe("LangChain", () => {
  test("invokes, and knows what it cost", async () => {
    const answer = await chat().invoke("hello");
    expect(answer.text).toContain("answers in a few words");
    expect(answer.usage_metadata).toMatchObject({ input_tokens: 5 });
    expect(Object(answer.usage_metadata)["total_tokens"]).toBeGreaterThan(5);
  });

  test("streams in pieces", async () => {
    const pieces: string[] = [];
    let tokens = 0;
    for await (const chunk of await chat().stream("hello")) {
      if (chunk.text !== "") pieces.push(chunk.text);
      tokens += Number(Object(chunk.usage_metadata)["output_tokens"] ?? 0);
    }
    expect(pieces.length).toBeGreaterThan(5);
    expect(tokens).toBe(pieces.length);
  });

  test("makes a tool round trip", async () => {
    const model = chat().bindTools([weather]);
    const question = new HumanMessage("weather?");
    const asked = await model.invoke([question]);
    const [call] = asked.tool_calls ?? [];
    expect(call).toMatchObject({ name: "weather", args: { city: "some text" } });
    const result = await weather.invoke({ city: String(call?.args["city"]) });
    const told = new ToolMessage({ content: result, tool_call_id: call?.id ?? "" });
    const answer = await model.invoke([question, asked, told]);
    expect(answer.text).toBe("the tool said: sunny in some text");
  });

  test("gets an object of the schema it asks for", async () => {
    const schema = z.object({ name: z.string(), age: z.number() });
    const model = chat().withStructuredOutput(schema, { method: "jsonSchema", name: "person" });
    expect(await model.invoke("who?")).toEqual({ name: "some text", age: 7 });
  });

  test("shows an image to the model", async () => {
    const url = "data:image/png;base64,iVBORw0KGgo=";
    const content = [
      { type: "text", text: "what is this?" },
      { type: "image_url", image_url: { url } },
    ];
    expect((await chat().invoke([new HumanMessage({ content })])).text).toContain("1 image(s)");
  });

  test("embeds documents and queries", async () => {
    const embeddings = new OpenAIEmbeddings({ model: "fast", ...access() });
    const [vector] = await embeddings.embedDocuments(["x"]);
    expect(vector).toHaveLength(16);
    expect(await embeddings.embedQuery("x")).toEqual(vector);
  });

  test("an abort in the middle of a stream ends it", async () => {
    const abort = new AbortController();
    const reading = async () => {
      for await (const _ of await chat().stream("hello", { signal: abort.signal })) abort.abort();
    };
    await expect(reading()).rejects.toThrow(/abort/i);
  });

  test.each([
    ["a wrong key", "nx_wrong", "fast", 401],
    ["an unknown model", undefined, "ghost", 404],
  ])("%s is an error with its status", async (_, key, model, status) => {
    await expect(chat(model, key).invoke("hello")).rejects.toMatchObject({ status });
  });
});
