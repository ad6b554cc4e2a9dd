import OpenAI, { APIUserAbortError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { startVllm, type StandIn } from "../support/stand-in.ts";

let standIn: StandIn;
let gateway: TestGateway;
let client: OpenAI;

beforeAll(async () => {
  standIn = await startVllm("little", 5);
  gateway = await launchGateway();
  const probe = { path: "/health", models: "openai" };
  await gateway.configure([upstreamAt(standIn.url, { probe })], { fast: ["one/little"] });
  client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  await standIn.stop();
});

const messages = [{ role: "user" as const, content: "weather?" }];
const parameters = { type: "object", properties: { city: { type: "string" } } };

describe("the official openai client before a vLLM", () => {
  test("makes a tool round trip in a stream, with every fragment of the call in its place", async () => {
    const runner = client.chat.completions.runTools({
      model: "fast",
      messages,
      stream: true,
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "The weather in a city.",
            parameters,
            parse: JSON.parse,
            function: ({ city }: { city: string }) => `sunny in ${city}`,
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe("the tool said: sunny in some text");
    const calls = runner.messages.flatMap((one) => ("tool_calls" in one ? one.tool_calls : []));
    expect(calls).toMatchObject([
      { id: "call_1", type: "function", function: { arguments: '{"city":"some text"}' } },
    ]);
  });

  test("gets an object of the schema it asks for", async () => {
    const schema = z.object({ name: z.string(), age: z.number() });
    const response_format = zodResponseFormat(schema, "person");
    const asked = { model: "fast", messages, response_format };
    const { choices } = await client.chat.completions.parse(asked);
    expect(choices[0]?.message.parsed).toEqual({ name: "some text", age: 7 });
  });

  test("shows an image to the model", async () => {
    const image_url = { url: "data:image/png;base64,iVBORw0KGgo=" };
    const content = [
      { type: "text" as const, text: "what is this?" },
      { type: "image_url" as const, image_url },
    ];
    const asked = { model: "fast", messages: [{ role: "user" as const, content }] };
    const { choices } = await client.chat.completions.create(asked);
    expect(choices[0]?.message.content).toContain("saw 1 image(s)");
  });

  test("embeds the same vector as floats and in base64", async () => {
    const embed = async (encoding_format?: "float") => {
      const options = encoding_format ? { encoding_format } : {};
      const { data } = await client.embeddings.create({ model: "fast", input: "x", ...options });
      return data[0]?.embedding ?? [];
    };
    const [decoded, floats] = [await embed(), await embed("float")];
    expect(decoded).toHaveLength(16);
    for (const [index, value] of decoded.entries())
      expect(value).toBeCloseTo(floats[index] ?? 0, 5);
  });

  test("an abort in the middle of a stream is its own error", async () => {
    const stream = client.chat.completions.stream({ model: "fast", messages });
    stream.once("content", () => stream.abort());
    await expect(stream.finalContent()).rejects.toThrow(APIUserAbortError);
  });
});
