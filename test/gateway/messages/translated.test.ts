import type Anthropic from "@anthropic-ai/sdk";
import { APIError, APIUserAbortError } from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anthropicAt } from "../../support/anthropic.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../../support/gateway.ts";
import { startVllm, type StandIn } from "../../support/stand-in.ts";

let standIn: StandIn;
let gateway: TestGateway;
let client: Anthropic;

beforeAll(async () => {
  standIn = await startVllm("little", 5);
  gateway = await launchGateway();
  await gateway.configure(
    [upstreamAt(standIn.url, { probe: { path: "/health", models: "openai" } })],
    { claude: ["one/little"] },
  );
  client = anthropicAt(gateway);
});

afterAll(async () => {
  await gateway.close();
  await standIn.stop();
});

const hello = [{ role: "user" as const, content: "hello" }];
const ask = { model: "claude", max_tokens: 64, messages: hello };
const tools: Anthropic.Tool[] = [
  {
    name: "weather",
    description: "The weather in a city.",
    input_schema: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    },
  },
];

describe("Anthropic's client at a service that knows only chat completions", () => {
  test("gets a message", async () => {
    const message = await client.messages.create({ ...ask, system: "Be brief." });
    expect(message).toMatchObject({
      type: "message",
      role: "assistant",
      model: "little",
      stop_reason: "end_turn",
      stop_sequence: null,
      content: [{ type: "text", text: expect.stringContaining("answers in a few words") }],
    });
    expect(message.id).toMatch(/^msg_/);
    expect(message.usage.input_tokens).toBeGreaterThan(0);
    expect(message.usage.output_tokens).toBeGreaterThan(0);
  });

  test("streams a message in pieces, and both ways say the same", async () => {
    const stream = client.messages.stream(ask);
    const pieces: string[] = [];
    stream.on("text", (piece) => pieces.push(piece));
    const final = await stream.finalMessage();
    expect(pieces.length).toBeGreaterThan(5);
    expect(final.content).toEqual([{ type: "text", text: pieces.join("") }]);
    const whole = await client.messages.create(ask);
    expect(final).toMatchObject({ content: whole.content, stop_reason: "end_turn" });
    expect(final.usage).toMatchObject(whole.usage);
  });

  test.each(["whole", "streaming"] as const)("makes a tool round trip (%s)", async (way) => {
    const say = (messages: Anthropic.MessageParam[]) =>
      way === "whole"
        ? client.messages.create({ ...ask, tools, messages })
        : client.messages.stream({ ...ask, tools, messages }).finalMessage();
    const first = await say(hello);
    expect(first.stop_reason).toBe("tool_use");
    const [call] = first.content;
    expect(call).toEqual({
      type: "tool_use",
      id: "call_1",
      name: "weather",
      input: { city: "some text" },
    });
    const second = await say([
      ...hello,
      { role: "assistant", content: first.content },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "call_1", content: "sunny" }],
      },
    ]);
    expect(second.content).toEqual([{ type: "text", text: "the tool said: sunny" }]);
    expect(second.stop_reason).toBe("end_turn");
  });

  test("shows a picture", async () => {
    const source = { type: "base64", media_type: "image/png", data: "AAAA" } as const;
    const content = [
      { type: "image", source } as const,
      { type: "text", text: "What is it?" } as const,
    ];
    const message = await client.messages.create({ ...ask, messages: [{ role: "user", content }] });
    expect(message.content).toMatchObject([{ text: expect.stringContaining("saw 1 image") }]);
  });

  test("gets an answer of the shape that it asks for", async () => {
    const schema = {
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
      additionalProperties: false,
    };
    const output = { format: { type: "json_schema" as const, schema } };
    const message = await client.messages.create({ ...ask, output_config: output });
    expect(message.content).toEqual([{ type: "text", text: '{"n":7}' }]);
  });

  test("that gives up in the middle of a stream leaves nothing running", async () => {
    const controller = new AbortController();
    const stream = client.messages.stream(ask, { signal: controller.signal });
    stream.once("text", () => controller.abort());
    await expect(stream.finalMessage()).rejects.toThrow(APIUserAbortError);
    for (;;) {
      const readiness = await (await gateway.observe("/readyz")).json();
      if ((readiness as { in_flight: number }).in_flight === 0) break;
    }
  });

  test("is told that nobody counts tokens here", async () => {
    const counting = client.messages.countTokens({ model: "claude", messages: hello });
    await expect(counting).rejects.toMatchObject({
      status: 404,
      type: "not_found_error",
      errorCode: "unsupported_endpoint_for_model",
    });
  });

  test("is told what cannot be translated, and where it stands", async () => {
    const source = { type: "base64", media_type: "application/pdf", data: "AAAA" } as const;
    const content = [{ type: "document", source } as const];
    const asking = client.messages.create({ ...ask, messages: [{ role: "user", content }] });
    await expect(asking).rejects.toThrow(APIError);
    await expect(asking).rejects.toMatchObject({
      status: 400,
      type: "invalid_request_error",
      details: { param: expect.stringContaining("messages.0.content.0") },
    });
  });
});
