import { APIError, APIUserAbortError, InternalServerError } from "@anthropic-ai/sdk";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { answerMessages, anthropicAt, messageEvents } from "../../support/anthropic.ts";
import { jsonOf, launchGateway, upstreamAt, type TestGateway } from "../../support/gateway.ts";
import { readEvents } from "../../support/read-message.ts";
import { beginEvents, chatEvents, reply, startUpstream } from "../../support/upstream.ts";
import type { Behaviour, TestUpstream } from "../../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  [upstream, gateway] = await Promise.all([
    startUpstream(),
    launchGateway({ NEXUS_GATEWAY_IDLE_MS: "300", NEXUS_GATEWAY_HEARTBEAT_MS: "600" }),
  ]);
  await gateway.configure([upstreamAt(upstream.url)]);
});

afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

const ask = {
  model: "echo",
  max_tokens: 9,
  messages: [{ role: "user" as const, content: "one two" }],
};
const post = (changes: object = {}) =>
  gateway.ask("/v1/messages", { method: "POST", body: JSON.stringify({ ...ask, ...changes }) });
const answering = (answer: (response: ServerResponse) => void) =>
  upstream.behave({ "/v1/chat/completions": (_, response) => answer(response) });

const half = chatEvents(["half"]).slice(0, 2).join("");

/** How a stream can go wrong behind the first words of an answer. */
const breaks: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ["is cut off", (response) => response.write(half, () => response.destroy())],
  ["ends without a reason", (response) => response.end(half)],
  ["ends with [DONE] and no reason", (response) => response.end(`${half}data: [DONE]\n\n`)],
  ["falls silent", (response) => void response.write(half)],
  ["turns to nonsense", (response) => void response.write(`${half}data: {"choi\n\n`)],
  [
    "tells an error",
    (response) => void response.write(`${half}data: {"error":{"message":"oh"}}\n\n`),
  ],
];

describe("a translated stream", () => {
  test.each(breaks)("that %s ends with an error event and no message_stop", async (_, finish) => {
    answering((response) => {
      beginEvents(response);
      finish(response);
    });
    const text = await (await post({ stream: true })).text();
    expect(text).toContain('"text":"half"');
    expect(text).toMatch(
      /event: error\ndata: \{"type":"error","error":\{"type":"[a-z_]+".*\}\n\n$/,
    );
    expect(text.match(/event: error/g)).toHaveLength(1);
    expect(text).not.toMatch(/message_stop|message_delta|127\.0\.0\.1/);
    const reading = anthropicAt(gateway).messages.stream(ask).finalMessage();
    await expect(reading).rejects.toThrow(APIError);
    expect(await (await gateway.observe("/readyz")).json()).toMatchObject({ in_flight: 0 });
  });

  test("that makes no sense is not listened to any further", async () => {
    answering((response) => {
      beginEvents(response);
      response.write("data: nonsense\n\n");
    });
    expect(await (await post({ stream: true })).text()).toContain("event: error");
    await upstream.untilAborts(1);
  });

  test("asks for usage, which the client gets in Anthropic's words", async () => {
    const text = await (await post({ stream: true })).text();
    expect(JSON.parse(upstream.received.at(-1)?.body ?? "")).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(text).toMatch(
      /event: message_delta\ndata: .*"stop_reason":"end_turn".*"output_tokens":\d/,
    );
  });

  test.each(["a stream", "a whole answer", "nonsense", "a failure"])(
    "that was kept alive while nobody answered goes on with %s",
    async (kind) => {
      const { promise: waited, resolve: answer } = Promise.withResolvers<void>();
      upstream.behave({
        "/v1/chat/completions": async (_, response) => {
          await waited;
          const message = { role: "assistant", content: "late" };
          const choices = [{ index: 0, finish_reason: "stop", message }];
          if (kind === "nonsense") return reply(response, 200, "{}");
          if (kind === "a failure") return reply(response, 500, '{"error":{"message":"oh"}}');
          if (kind === "a whole answer") return reply(response, 200, JSON.stringify({ choices }));
          beginEvents(response);
          response.end(chatEvents(["late"]).join(""));
        },
      });
      const response = await post({ stream: true });
      expect(response.headers.get("content-type")).toMatch("text/event-stream");
      answer();
      const text = await response.text();
      expect(text).toMatch(/^: nexus waiting\n\n/);
      const rest = text.replaceAll(": nexus waiting\n\n", "");
      const last = readEvents(rest).at(-1)?.type;
      expect(last).toBe(kind === "nonsense" || kind === "a failure" ? "error" : "message_stop");
      expect(rest.includes('"text":"late"')).toBe(last === "message_stop");
    },
  );

  test("comes even from a service that answers whole", async () => {
    const message = { role: "assistant", content: "all at once" };
    const choices = [{ index: 0, finish_reason: "length", message }];
    answering((response) => reply(response, 200, JSON.stringify({ choices })));
    const final = await anthropicAt(gateway).messages.stream(ask).finalMessage();
    expect(final).toMatchObject({
      stop_reason: "max_tokens",
      content: [{ type: "text", text: "all at once" }],
    });
  });
});

test.each(["native", "translated"])("a client that leaves a %s stream ends it", async (way) => {
  const begin =
    (events: string): Behaviour =>
    (_, response) => {
      beginEvents(response);
      response.write(events);
    };
  upstream.behave({
    "/v1/messages": begin(messageEvents("half").slice(0, 4).join("")),
    "/v1/chat/completions": begin(half),
  });
  const provides = way === "native" ? ["messages"] : ["chat"];
  await gateway.configure([upstreamAt(upstream.url, { provides })]);
  const stream = anthropicAt(gateway).messages.stream(ask);
  stream.once("text", () => stream.abort());
  await expect(stream.finalMessage()).rejects.toThrow(APIUserAbortError);
  await upstream.untilAborts(1);
});

test.each(["native", "translated"])("a %s answer's tokens are counted", async (way) => {
  upstream.behave({ "/v1/messages": answerMessages });
  const provides = way === "native" ? ["messages"] : ["chat"];
  await gateway.configure([upstreamAt(upstream.url, { provides })]);
  const client = anthropicAt(gateway);
  const { usage } = await client.messages.create(ask);
  const lines = () =>
    gateway
      .logText()
      .split("\n")
      .filter((line) => line.includes("/v1/messages"));
  expect(lines().at(-1)).toContain(`"output_tokens":${usage.output_tokens}`);
});

describe("a translated answer", () => {
  test("of any size arrives whole", async () => {
    const content = "x".repeat(3_000_000);
    const message = { role: "assistant", content };
    const choices = [{ index: 0, finish_reason: "stop", message }];
    answering((response) => reply(response, 200, JSON.stringify({ choices })));
    const told = await anthropicAt(gateway).messages.create(ask);
    expect(told.content).toEqual([{ type: "text", text: content }]);
  });

  test.each([
    ["is no chat completion", "{}"],
    ["is not JSON", "garbage"],
    ["gives no reason for its end", '{"choices":[{"message":{"content":"x"}}]}'],
    [
      "calls a tool with nonsense",
      '{"choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[{"function":{"name":"f","arguments":"{"}}]}}]}',
    ],
  ])("that %s is the service's failure", async (_, body) => {
    for (const padding of ["", " ".repeat(100_000)]) {
      answering((response) => reply(response, 200, body + padding));
      const response = await post();
      expect([response.status, await jsonOf(response)]).toMatchObject([
        502,
        { type: "error", error: { type: "api_error", details: { fault: "upstream" } } },
      ]);
    }
  });

  test("that is a stream nobody asked for, or a page, is the service's failure", async () => {
    answering((response) => {
      beginEvents(response);
      response.end(half);
    });
    expect((await post()).status).toBe(502);
    answering((response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<h1>Hello</h1>");
    });
    expect((await post()).status).toBe(502);
    expect((await post({ stream: true })).status).toBe(502);
  });

  test("that breaks off is an error that the client can read", async () => {
    const begun = JSON.stringify({ choices: [] }).padEnd(100_000, " ");
    answering((response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "200000" });
      response.write(begun, () => response.destroy());
    });
    await expect(anthropicAt(gateway).messages.create(ask)).rejects.toThrow(InternalServerError);
  });

  test("whose tokens ran out in a call leaves the call out and says so", async () => {
    const call = { id: "a", function: { name: "f", arguments: '{"half":' } };
    const message = { content: "I look", tool_calls: [call] };
    const choices = [{ index: 0, finish_reason: "length", message }];
    answering((response) => reply(response, 200, JSON.stringify({ choices })));
    expect(await anthropicAt(gateway).messages.create(ask)).toMatchObject({
      stop_reason: "max_tokens",
      content: [{ type: "text", text: "I look" }],
    });
  });

  test("of the service's error keeps its words, and another candidate is asked first", async () => {
    const error = { message: "too long", code: "context_length_exceeded" };
    answering((response) => reply(response, 400, JSON.stringify({ error })));
    await expect(anthropicAt(gateway).messages.create(ask)).rejects.toMatchObject({
      status: 400,
      apiMessage: "too long",
    });
    answering((response) => reply(response, 200, "{}"));
    const native = await startUpstream();
    native.behave({ "/v1/messages": answerMessages });
    const second = upstreamAt(native.url, { id: "two", provides: ["messages"] });
    await gateway.configure([upstreamAt(upstream.url), second], { both: ["one/echo", "two/echo"] });
    const told = await anthropicAt(gateway).messages.create({ ...ask, model: "both" });
    expect(told.content).toEqual([{ type: "text", text: "native words" }]);
    await native.stop();
  });

  test("shows thoughts to those who ask for them", async () => {
    const message = { content: "so", reasoning_content: "hm" };
    const choices = [{ index: 0, finish_reason: "stop", message }];
    answering((response) => reply(response, 200, JSON.stringify({ choices })));
    const client = anthropicAt(gateway);
    expect((await client.messages.create(ask)).content).toHaveLength(1);
    const thinking = { type: "enabled", budget_tokens: 1024 } as const;
    expect((await client.messages.create({ ...ask, thinking })).content).toEqual([
      { type: "thinking", thinking: "hm", signature: "" },
      { type: "text", text: "so" },
    ]);
  });
});

test("headers of Anthropic's API stay with the gateway when a request is translated", async () => {
  await anthropicAt(gateway).messages.create(ask);
  const { path, headers } = upstream.received.at(-1) ?? {};
  expect(path).toBe("/v1/chat/completions");
  expect(Object.keys(headers ?? {}).filter((name) => name.startsWith("anthropic"))).toEqual([]);
});
