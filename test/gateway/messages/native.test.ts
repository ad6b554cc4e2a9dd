import { APIError, NotFoundError } from "@anthropic-ai/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { answerMessages, anthropicAt, messageEvents } from "../../support/anthropic.ts";
import { jsonOf, launchGateway, upstreamAt, type TestGateway } from "../../support/gateway.ts";
import { beginEvents, reply, startUpstream, type TestUpstream } from "../../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  [upstream, gateway] = await Promise.all([startUpstream(), launchGateway()]);
  upstream.behave({ "/v1/messages": answerMessages });
  await gateway.configure([upstreamAt(upstream.url, { provides: ["messages"] })], {
    claude: ["one/echo"],
  });
});

afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

const messages = [{ role: "user" as const, content: "hello" }];
const ask = { model: "echo", max_tokens: 64, messages };

type Listing = Readonly<{
  endpoints: { path: string }[];
  all_endpoints: { path: string; capabilities: string[] }[];
}>;

const post = (body: string, path = "/v1/messages") =>
  gateway.ask(path, { method: "POST", body, headers: { "anthropic-version": "2023-06-01" } });

describe("a service that speaks Anthropic's API itself", () => {
  test("gets the body byte for byte, and its answer reaches the client byte for byte", async () => {
    const body = '{ "max_tokens":64,"x_unknown" : [1, 2.50],\n"model":"echo", "messages":[] }';
    const bytes = '{"type":"message",  "content":[], "x":1e2}';
    upstream.behave({ "/v1/messages": (_, response) => reply(response, 200, bytes) });
    const response = await post(body);
    expect(await response.text()).toBe(bytes);
    expect(upstream.received.at(-1)).toMatchObject({ path: "/v1/messages", body });
    expect(upstream.received.at(-1)?.headers).toMatchObject({ "anthropic-version": "2023-06-01" });
  });

  test("streams byte for byte, under its own name for the model", async () => {
    const response = await post(JSON.stringify({ ...ask, model: "claude", stream: true }));
    expect(await response.text()).toBe(messageEvents("native words").join(""));
    expect(JSON.parse(upstream.received.at(-1)?.body ?? "").model).toBe("echo");
    expect(response.headers.get("request-id")).toBe(response.headers.get("x-request-id"));
  });

  test("answers the official client, whole and streaming", async () => {
    const client = anthropicAt(gateway);
    const whole = await client.messages.create(ask);
    expect(whole.content).toEqual([{ type: "text", text: "native words" }]);
    const final = await client.messages.stream(ask).finalMessage();
    expect(final).toMatchObject({ stop_reason: "end_turn", usage: { output_tokens: 5 } });
  });

  test("declares itself in its metadata as well", async () => {
    const endpoints = [{ path: "/v1/messages", method: "POST", operation_id: "createMessage" }];
    const metadata = { schema_version: "v1", service: { name: "one" }, endpoints };
    upstream.behave({
      "/v1/metadata": (_, response) => reply(response, 200, JSON.stringify(metadata)),
    });
    await gateway.configure([upstreamAt(upstream.url, { id: "two", provides: ["embedding"] })]);
    const { content } = await anthropicAt(gateway).messages.create(ask);
    expect(content).toEqual([{ type: "text", text: "native words" }]);
  });

  test("lists the endpoint as its own, which a service that is translated for does not", async () => {
    const paths = async (path: string) => {
      const { endpoints } = await jsonOf<Listing>(await gateway.observe(path));
      return endpoints.map((endpoint) => endpoint.path);
    };
    const metadata = "/services/one/v1/metadata";
    expect(await paths(metadata)).toContain("/v1/messages");
    await gateway.configure([upstreamAt(upstream.url, { provides: ["chat"] })]);
    expect(await paths(metadata)).not.toContain("/v1/messages");
    const own = await jsonOf<Listing>(await gateway.ask("/v1/descriptor"));
    expect(own.endpoints.map(({ path }) => path)).toContain("/v1/messages");
    const whole = own.all_endpoints.find(({ path }) => path === "/v1/messages");
    expect(whole?.capabilities).toEqual(["messages", "chat"]);
  });

  test("counts tokens if it can, and is believed when it cannot", async () => {
    const client = anthropicAt(gateway);
    const question = { model: "echo", messages };
    await expect(client.messages.countTokens(question)).rejects.toThrow(NotFoundError);
    upstream.behave({
      "/v1/messages/count_tokens": (_, response) => reply(response, 200, '{"input_tokens":11}'),
    });
    expect(await client.messages.countTokens(question)).toEqual({ input_tokens: 11 });
  });

  test("has its own errors passed on as they are", async () => {
    const error = { type: "overloaded_error", message: "come back later" };
    const bytes = JSON.stringify({ type: "error", error, request_id: "req_theirs" });
    upstream.behave({ "/v1/messages": (_, response) => reply(response, 529, bytes) });
    const response = await post(JSON.stringify(ask));
    expect([response.status, await response.text()]).toEqual([529, bytes]);
  });

  test("that breaks off has its stream end with an error event and no message_stop", async () => {
    upstream.behave({
      "/v1/messages": (_, response) => {
        beginEvents(response);
        const begun = messageEvents("half").slice(0, 4).join("");
        response.write(`${begun}event: content_bl`, () => response.destroy());
      },
    });
    const text = await (await post(JSON.stringify({ ...ask, stream: true }))).text();
    expect(text).toMatch(
      /event: error\ndata: \{"type":"error","error":\{"type":"api_error".*\n\n$/,
    );
    expect(text).not.toContain("message_stop");
    const reading = anthropicAt(gateway).messages.stream(ask).finalMessage();
    await expect(reading).rejects.toThrow(APIError);
  });
});
