import {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { answerMessages, anthropicAt } from "../../support/anthropic.ts";
import { errorOf, idsOf, jsonOf, launchGateway, upstreamAt } from "../../support/gateway.ts";
import type { TestGateway } from "../../support/gateway.ts";
import { deadUrl, reply, startUpstream, type TestUpstream } from "../../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  [upstream, gateway] = await Promise.all([
    startUpstream(["echo", "org/deep:tag", "third"]),
    launchGateway({ NEXUS_GATEWAY_MAX_BODY_BYTES: "2000", NEXUS_GATEWAY_QUEUE_LENGTH: "0" }),
  ]);
  upstream.behave({ "/v1/messages": answerMessages });
  const provides = ["chat", "messages"];
  await gateway.configure([upstreamAt(upstream.url, { provides, max_concurrency: 1 })]);
});

afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

type ErrorClass = new (...values: never[]) => APIError;

const ask = { model: "echo", max_tokens: 64, messages: [{ role: "user" as const, content: "hi" }] };
const version = { "anthropic-version": "2023-06-01" };

const failing = async (asking: Promise<unknown>): Promise<APIError> => {
  try {
    await asking;
  } catch (error) {
    if (error instanceof APIError) return error;
  }
  throw new Error("nothing failed");
};

describe("Anthropic's clients", () => {
  test("are told of every failure in their own shape, as the class and type that it is", async () => {
    const client = anthropicAt(gateway);
    const limited = await gateway.addKey({ name: "limited", models: ["third"] });
    const create = (body: object, using = client) =>
      failing(using.messages.create({ ...ask, ...body }));
    const cases: [APIError, ErrorClass, string, string][] = [
      [
        await create({}, anthropicAt(gateway, "nx_wrong")),
        AuthenticationError,
        "authentication_error",
        "invalid_api_key",
      ],
      [
        await create({}, anthropicAt(gateway, limited)),
        PermissionDeniedError,
        "permission_error",
        "model_not_allowed",
      ],
      [await create({ model: "ecko" }), NotFoundError, "not_found_error", "model_not_found"],
      [
        await create({ model: 7 }),
        BadRequestError,
        "invalid_request_error",
        "invalid_request_body",
      ],
      [
        await create({ system: "x".repeat(3000) }),
        APIError,
        "request_too_large",
        "request_too_large",
      ],
    ];
    for (const [error, errorClass, type, code] of cases) {
      expect(error).toBeInstanceOf(errorClass);
      expect(error).toMatchObject({ type, errorCode: code });
      expect(error.error).toMatchObject({ type: "error", request_id: error.requestID });
      expect(error.requestID).toMatch(/^req_/);
    }
  });

  test("are told of a full queue with 429 and when to come back", async () => {
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    upstream.behave({
      "/v1/messages": async (request, response, aborted) => {
        await held;
        await answerMessages(request, response, aborted);
      },
    });
    const client = anthropicAt(gateway);
    const first = client.messages.create(ask);
    await upstream.untilReceived(1);
    const error = await failing(client.messages.create(ask));
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ type: "rate_limit_error" });
    expect(Number(error.headers?.get("retry-after"))).toBeGreaterThan(0);
    letGo();
    await first;
  });

  test("are told that a service is overloaded when it is down, and who failed when it answers nonsense", async () => {
    upstream.behave({ "/v1/messages": (_, response) => reply(response, 500, "<h1>Oops</h1>") });
    const broken = await failing(anthropicAt(gateway).messages.create(ask));
    expect(broken).toBeInstanceOf(InternalServerError);
    expect(broken).toMatchObject({ type: "api_error", details: { fault: "upstream" } });
    const gone = upstreamAt(await deadUrl(), { provides: ["messages"], models: ["echo"] });
    await gateway.configure([gone]);
    const down = await failing(anthropicAt(gateway).messages.create(ask));
    expect(down).toMatchObject({ status: 503, type: "overloaded_error" });
  });

  test("have an error of OpenAI's shape told in theirs, message and code kept", async () => {
    const error = { message: "context is full", code: "context_length_exceeded", type: "x" };
    upstream.behave({
      "/v1/messages": (_, response) => reply(response, 400, JSON.stringify({ error })),
    });
    const told = await failing(anthropicAt(gateway).messages.create(ask));
    expect(told).toBeInstanceOf(BadRequestError);
    expect(told).toMatchObject({
      apiMessage: "context is full",
      errorCode: "context_length_exceeded",
    });
  });

  test("find their errors at paths that nobody has and with methods that nobody takes", async () => {
    const nowhere = await gateway.ask("/v1/files", { headers: version });
    expect([nowhere.status, await jsonOf(nowhere)]).toMatchObject([
      404,
      { type: "error", error: { type: "not_found_error" } },
    ]);
    const wrong = await gateway.ask("/v1/messages");
    expect([wrong.status, await jsonOf(wrong)]).toMatchObject([405, { type: "error" }]);
    const openai = await errorOf(await gateway.ask("/v1/files"));
    expect(openai).toMatchObject({ type: "invalid_request_error", code: "unknown_url" });
  });

  test("list models in their own shape, page by page when they ask for pages", async () => {
    const client = anthropicAt(gateway);
    const all = await client.models.list();
    expect(all.data.map(({ id }) => id)).toEqual(["echo", "org/deep:tag", "third"]);
    expect(all).toMatchObject({ has_more: false, first_id: "echo", last_id: "third" });
    const first = await client.models.list({ limit: 2 });
    expect(first).toMatchObject({ has_more: true, last_id: "org/deep:tag" });
    expect((await first.getNextPage()).data.map(({ id }) => id)).toEqual(["third"]);
    const before = await client.models.list({ limit: 1, before_id: "third" });
    expect(before).toMatchObject({ has_more: true, first_id: "org/deep:tag" });
    const none = await gateway.ask("/v1/models?after_id=third", { headers: version });
    expect(await jsonOf(none)).toEqual({
      data: [],
      has_more: false,
      first_id: null,
      last_id: null,
    });
    expect(await idsOf(await gateway.ask("/v1/models"))).toHaveLength(3);
  });

  test("find one model by its name, slashes and all, and no model that is not there", async () => {
    const client = anthropicAt(gateway);
    expect(await client.models.retrieve("org/deep:tag")).toMatchObject({
      type: "model",
      id: "org/deep:tag",
      created_at: "1970-01-01T00:00:01.000Z",
      max_input_tokens: null,
    });
    expect(await failing(client.models.retrieve("ghost"))).toBeInstanceOf(NotFoundError);
  });
});

describe("a key in x-api-key", () => {
  const models = (headers: Record<string, string>) =>
    fetch(`${gateway.url}/v1/models`, { headers });

  test("opens every route that a bearer token opens", async () => {
    expect((await models({ "x-api-key": gateway.key })).status).toBe(200);
    expect((await models({ "x-api-key": "nx_wrong" })).status).toBe(401);
    expect((await models({ "x-api-key": "" })).status).toBe(401);
  });

  test("may stand beside the same bearer token, and not beside another", async () => {
    const other = await gateway.addKey({ name: "other" });
    const both = (key: string) =>
      models({ "x-api-key": key, authorization: `Bearer ${gateway.key}` });
    expect((await both(gateway.key)).status).toBe(200);
    const refused = await both(other);
    expect(refused.status).toBe(401);
    expect((await errorOf(refused))["message"]).toMatch(/different keys/);
    expect(await (await gateway.observe("/metrics")).text()).toContain('reason="ambiguous"} 1');
  });
});
