import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import {
  beginEvents,
  chatEvents,
  reply,
  startUpstream,
  type TestUpstream,
} from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;
let client: OpenAI;

const clientWith = (apiKey: string) =>
  new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
const messages = [{ role: "user" as const, content: "one two three" }];

beforeAll(async () => {
  upstream = await startUpstream(["echo", "org/deep:tag"]);
  gateway = await launchGateway();
  await gateway.configure([upstreamAt(upstream.url)], { fast: ["one/echo"] });
  client = clientWith(gateway.key);
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

describe("the official openai client", () => {
  test("lists models and aliases, and finds one by a name with slashes and colons", async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(["echo", "org/deep:tag", "fast"]);
    expect(await client.models.retrieve("org/deep:tag")).toMatchObject({ owned_by: "one" });
    await expect(client.models.retrieve("ghost")).rejects.toThrow(NotFoundError);
  });

  test("chats", async () => {
    const answer = await client.chat.completions.create({ model: "fast", messages });
    expect(answer.choices[0]?.message.content).toBe("one two three");
    expect(answer.usage?.total_tokens).toBe(2);
  });

  test("streams", async () => {
    const stream = client.chat.completions.stream({ model: "echo", messages });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { content: "onetwothree" },
    });
  });

  test("completes and embeds, with its own choice of encoding", async () => {
    const { choices } = await client.completions.create({ model: "echo", prompt: "once" });
    expect(choices[0]?.text).toBe("once");
    const { data } = await client.embeddings.create({ model: "echo", input: "x" });
    expect(data[0]?.embedding).toEqual([0.5, -0.25]);
  });

  test("tool calls and every other field arrive as they were sent", async () => {
    const tools = [{ type: "function" as const, function: { name: "look", parameters: {} } }];
    const body = { model: "echo", messages, tools, seed: 7, top_p: 0.5, logit_bias: { "1": 2 } };
    await client.chat.completions.create(body);
    expect(JSON.parse(upstream.received.at(-1)?.body ?? "")).toEqual(body);
  });

  test("a stream that breaks is an error and never a finished answer", async () => {
    upstream.behave({
      "/v1/chat/completions": (_, response) => {
        beginEvents(response);
        const [role, word] = chatEvents(["half"]);
        response.write(`${role}${word}data: {"id":"ch`, () => response.destroy());
      },
    });
    const stream = await client.chat.completions.create({ model: "echo", messages, stream: true });
    const words: unknown[] = [];
    const reading = async () => {
      for await (const chunk of stream) words.push(chunk.choices[0]?.delta.content);
    };
    await expect(reading()).rejects.toThrow(APIError);
    expect(words).toEqual(["", "half"]);
  });

  test.each([
    [400, BadRequestError],
    [429, RateLimitError],
    [500, InternalServerError],
  ])("an upstream's %d is its own class, message and all", async (status, errorClass) => {
    const error = { message: "the upstream says no", type: "x", code: "y", param: null };
    upstream.behave({
      "/v1/chat/completions": (_, response) => reply(response, status, JSON.stringify({ error })),
    });
    const asking = client.chat.completions.create({ model: "echo", messages });
    await expect(asking).rejects.toThrow(errorClass);
    await expect(asking).rejects.toMatchObject({ code: "y", requestID: expect.any(String) });
  });

  test("a wrong key, an unknown model and a model that a key may not use are told apart", async () => {
    const restricted = await gateway.addKey({ name: "restricted", models: ["one/echo"] });
    const ask = (key: string, model: string) =>
      clientWith(key).chat.completions.create({ model, messages });
    await expect(ask("nx_wrong", "echo")).rejects.toThrow(AuthenticationError);
    await expect(ask(gateway.key, "ecko")).rejects.toThrow(NotFoundError);
    await expect(ask(gateway.key, "ecko")).rejects.toThrow(/Did you mean echo/);
    await expect(ask(restricted, "org/deep:tag")).rejects.toThrow(PermissionDeniedError);
    const { data } = await clientWith(restricted).models.list();
    expect(data.map(({ id }) => id)).toEqual(["echo", "fast"]);
  });
});
