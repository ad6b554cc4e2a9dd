import { describe, expect, test } from "vitest";
import { translateRequest } from "../../../src/gateway/messages/request.ts";
import { InvalidBody } from "../../../src/gateway/request/invalid-body.ts";

const base = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }] };
const translated = (changes: object) =>
  translateRequest(Buffer.from(JSON.stringify({ ...base, ...changes })));
const messagesOf = (...messages: object[]) => translated({ messages }).body["messages"];
const refusal = (changes: object): InvalidBody => {
  try {
    translated(changes);
  } catch (error) {
    if (error instanceof InvalidBody) return error;
  }
  throw new Error("nothing was refused");
};

const picture = {
  type: "image",
  source: { type: "base64", media_type: "image/png", data: "AAAA" },
};
const pictureUrl = { url: "data:image/png;base64,AAAA" };

describe("a request for a message becomes one for a chat completion:", () => {
  test("the smallest one says no more than it must", () => {
    expect(translated({}).body).toEqual({
      messages: [{ role: "user", content: "hi" }],
      max_tokens: 9,
    });
  });

  test("sampling and limits go under OpenAI's names, and unknown fields stay behind", () => {
    const { body, stopSequences } = translated({
      stop_sequences: ["END"],
      temperature: 0,
      top_p: 0.5,
      top_k: 40,
      metadata: { user_id: "u1", else: 1 },
      service_tier: "auto",
      x_unknown: { deep: [1] },
      stream: false,
    });
    expect(body).toEqual({
      messages: [{ role: "user", content: "hi" }],
      max_tokens: 9,
      stop: ["END"],
      temperature: 0,
      top_p: 0.5,
      top_k: 40,
      user: "u1",
    });
    expect(stopSequences).toEqual(["END"]);
  });

  test("a stream is asked for its usage", () => {
    expect(translated({ stream: true }).body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test("thinking is shown only to those who ask for it", () => {
    expect(translated({}).thinking).toBe(false);
    expect(translated({ thinking: { type: "disabled" } }).thinking).toBe(false);
    expect(translated({ thinking: { type: "enabled", budget_tokens: 99 } }).thinking).toBe(true);
  });

  test.each([
    ["a string", "Be brief.", "Be brief."],
    [
      "blocks",
      [
        { type: "text", text: "A", cache_control: {} },
        { type: "text", text: "B" },
      ],
      "A\n\nB",
    ],
  ])("a system prompt given as %s is the first message", (_, system, content) => {
    const { body } = translated({ system });
    expect(body["messages"]).toEqual([
      { role: "system", content },
      { role: "user", content: "hi" },
    ]);
  });

  test("text blocks become one string, and a picture keeps its place among the parts", () => {
    const content = [{ type: "text", text: "A" }, picture, { type: "text", text: "B" }];
    expect(messagesOf({ role: "user", content: [content[0], content[2]] })).toEqual([
      { role: "user", content: "A\n\nB" },
    ]);
    expect(messagesOf({ role: "user", content })).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "A" },
          { type: "image_url", image_url: pictureUrl },
          { type: "text", text: "B" },
        ],
      },
    ]);
    const byUrl = { type: "image", source: { type: "url", url: "https://x.test/a.png" } };
    expect(messagesOf({ role: "user", content: [byUrl] })).toEqual([
      {
        role: "user",
        content: [{ type: "image_url", image_url: { url: "https://x.test/a.png" } }],
      },
    ]);
  });

  test("documents and search results are read out", () => {
    const content = [
      {
        type: "document",
        title: "T",
        context: "C",
        source: { type: "text", media_type: "text/plain", data: "D" },
      },
      { type: "document", source: { type: "content", content: [{ type: "text", text: "E" }] } },
      {
        type: "search_result",
        title: "S",
        source: "s.test",
        content: [{ type: "text", text: "F" }],
      },
    ];
    expect(messagesOf({ role: "user", content })).toEqual([
      { role: "user", content: "T\n\nC\n\nD\n\nE\n\nS (s.test)\nF" },
    ]);
  });

  test("tools and every way to choose among them", () => {
    const schema = { type: "object", properties: { city: { type: "string" } } };
    const tools = [
      { name: "look", description: "Looks.", input_schema: schema, cache_control: {} },
    ];
    const { body } = translated({ tools });
    expect(body["tools"]).toEqual([
      { type: "function", function: { name: "look", description: "Looks.", parameters: schema } },
    ]);
    const chosen = (choice: object) => {
      const { tool_choice, parallel_tool_calls } = translated({ tools, tool_choice: choice }).body;
      return [tool_choice, parallel_tool_calls];
    };
    expect(chosen({ type: "auto" })).toEqual(["auto", undefined]);
    expect(chosen({ type: "any", disable_parallel_tool_use: true })).toEqual(["required", false]);
    expect(chosen({ type: "none" })).toEqual(["none", undefined]);
    const look = { type: "function", function: { name: "look" } };
    expect(chosen({ type: "tool", name: "look", disable_parallel_tool_use: false })).toEqual([
      look,
      undefined,
    ]);
  });

  test("a tool round trip: calls, thoughts left out, several results, an error and a picture", () => {
    const messages = messagesOf(
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "hm", signature: "s" },
          { type: "redacted_thinking", data: "x" },
          { type: "text", text: "I look." },
          { type: "tool_use", id: "t1", name: "look", input: { city: "Köln" } },
          { type: "tool_use", id: "t2", name: "look", input: {} },
          { type: "tool_use", id: "t3", name: "draw", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "t1", content: "sunny" },
          {
            type: "tool_result",
            tool_use_id: "t2",
            is_error: true,
            content: [{ type: "text", text: "no city" }],
          },
          { type: "tool_result", tool_use_id: "t3", content: [picture] },
          { type: "text", text: "And now?" },
        ],
      },
    );
    const call = (id: string, name: string, input: string) => ({
      id,
      type: "function",
      function: { name, arguments: input },
    });
    expect(messages).toEqual([
      {
        role: "assistant",
        content: "I look.",
        tool_calls: [
          call("t1", "look", '{"city":"Köln"}'),
          call("t2", "look", "{}"),
          call("t3", "draw", "{}"),
        ],
      },
      { role: "tool", tool_call_id: "t1", content: "sunny" },
      { role: "tool", tool_call_id: "t2", content: "Error: no city" },
      { role: "tool", tool_call_id: "t3", content: "(see the picture below)" },
      {
        role: "user",
        content: [
          { type: "text", text: "The result of the tool call t3:" },
          { type: "image_url", image_url: pictureUrl },
          { type: "text", text: "And now?" },
        ],
      },
    ]);
  });

  test("a turn of results alone adds no message of the user's, and a call alone no text", () => {
    const messages = messagesOf(
      { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "look", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t1" }] },
    );
    expect(messages).toMatchObject([
      { role: "assistant", content: null },
      { role: "tool", tool_call_id: "t1", content: "" },
    ]);
  });

  test("a schema for the answer", () => {
    const schema = { type: "object" };
    const { body } = translated({ output_config: { format: { type: "json_schema", schema } } });
    expect(body["response_format"]).toEqual({
      type: "json_schema",
      json_schema: { name: "output", schema, strict: true },
    });
  });
});

describe("a request that cannot be translated is refused with its place:", () => {
  const block = (content: object) => ({ messages: [{ role: "user", content: [content] }] });
  test.each([
    ["no messages", { messages: undefined }, /^messages: /],
    ["a message that is none", { messages: ["hi"] }, /^messages\.0: /],
    ["an unknown role", { messages: [{ role: "tool", content: "x" }] }, /^messages\.0\.role: /],
    [
      "a file",
      block({ type: "image", source: { type: "file", file_id: "f" } }),
      /source.*no store of files/,
    ],
    [
      "a PDF",
      block({ type: "document", source: { type: "base64", data: "" } }),
      /must be given as text/,
    ],
    ["an unknown block", block({ type: "hologram" }), /^messages\.0\.content\.0.*: this kind/],
    [
      "a tool of Anthropic's",
      { tools: [{ type: "web_search_20250305", name: "web_search" }] },
      /run by Anthropic/,
    ],
    ["a limit that is no number", { max_tokens: "many" }, /^max_tokens: /],
  ])("%s", (_, changes, message) => {
    expect(refusal(changes).message).toMatch(message);
  });
});
