import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorOf, idsOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

const aliases = {
  auto: ["one/fast"],
  default: ["one/clever"],
  "ollama:llama3.3:70b": ["one/llama3.3:70b"],
  "mlx:org/Model-4bit": ["one/org/Model-4bit"],
  bare: ["one/fast"],
};
const rules = {
  alias_rules: {
    auto: [
      { tools: true, to: ["one/clever"], alias: "default", caps: { max_tokens: 7 } },
      { min_bytes: 2_000, to: ["one/long"], alias: "long", takes_tools: false as const },
    ],
  },
  aliases_without_tools: ["bare"],
};
const models = ["fast", "clever", "long", "llama3.3:70b", "org/Model-4bit", "bare-model"];

beforeAll(async () => {
  upstream = await startUpstream(models);
  gateway = await launchGateway();
  await gateway.configure([upstreamAt(upstream.url)], aliases, rules);
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const tools = [{ type: "function", function: { name: "look", parameters: {} } }];
const long = [{ role: "user", content: "x".repeat(2_000) }];

async function ask(body: object) {
  const response = await gateway.chat(body);
  const text = await response.text();
  const { code } = response.ok ? { code: undefined } : JSON.parse(text).error;
  return [response.status, response.headers.get("x-model-used") ?? code];
}

const lastBody = () => JSON.parse(upstream.received.at(-1)?.body ?? "");

describe("an alias with conditions", () => {
  test("goes where the first that holds leads, and elsewhere when none does", async () => {
    expect(await ask({ model: "auto" })).toEqual([200, "fast"]);
    expect(await ask({ model: "auto", tools })).toEqual([200, "clever"]);
    expect(await ask({ model: "auto", messages: long })).toEqual([200, "long"]);
    expect(await ask({ model: "auto", messages: long, tools })).toEqual([200, "clever"]);
    expect(await ask({ model: "auto", tools: [] })).toEqual([200, "fast"]);
    expect(await ask({ model: "auto", tools: null })).toEqual([200, "fast"]);
  });

  test("says which way it led, and holds what it holds there to its caps", async () => {
    const response = await gateway.chat({ model: "auto", tools });
    expect(response.headers.get("x-router-reason")).toBe("alias:auto->default");
    await response.text();
    expect(lastBody()).toMatchObject({ model: "clever", max_tokens: 7, tools });
    const plain = await gateway.chat({ model: "auto" });
    expect(plain.headers.get("x-router-reason")).toBe("alias:auto");
    await plain.text();
    expect(lastBody()).not.toHaveProperty("max_tokens");
  });

  test("is open to a key that may use it by its name", async () => {
    const key = await gateway.addKey({ name: "auto-only", models: ["auto"] });
    const headers = { authorization: `Bearer ${key}` };
    expect((await gateway.chat({ model: "auto", tools }, { headers })).status).toBe(200);
    expect((await gateway.chat({ model: "default" }, { headers })).status).toBe(403);
  });
});

describe("an alias without tools", () => {
  test("refuses requests with tools, of any spelling, and takes those with none", async () => {
    const asked = upstream.received.length;
    for (const spelled of [{ tools }, { Tools: tools }]) {
      const response = await gateway.chat({ model: "bare", ...spelled });
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({
        type: "invalid_request_error",
        code: "tools_not_allowed",
        param: "tools",
      });
    }
    expect(upstream.received).toHaveLength(asked);
    expect(await ask({ model: "bare", tools: [] })).toEqual([200, "fast"]);
    expect(await ask({ model: "one/fast", tools })).toEqual([200, "fast"]);
  });

  test("holds where a condition has led there", async () => {
    const config = { alias_rules: { auto: [{ to: ["one/long"], takes_tools: false as const }] } };
    await gateway.configure([upstreamAt(upstream.url)], aliases, config);
    expect(await ask({ model: "auto", tools })).toEqual([400, "tools_not_allowed"]);
    await gateway.configure([upstreamAt(upstream.url)], aliases, rules);
  });
});

describe("a name as clients of the gateway before this one wrote it", () => {
  test("is an alias like any other: backend:model, with tags and owners", async () => {
    expect(await ask({ model: "ollama:llama3.3:70b" })).toEqual([200, "llama3.3:70b"]);
    expect(lastBody().model).toBe("llama3.3:70b");
    expect(await ask({ model: "mlx:org/Model-4bit" })).toEqual([200, "org/Model-4bit"]);
    expect(await idsOf(await gateway.ask("/v1/models"))).toEqual(
      expect.arrayContaining(Object.keys(aliases)),
    );
  });

  test("that nobody has is never answered by another", async () => {
    expect(await ask({ model: "ollama:llama3" })).toEqual([404, "model_not_found"]);
    expect(await ask({ model: "constructor" })).toEqual([404, "model_not_found"]);
  });
});

describe("a request that names no model", () => {
  const nameless = { messages: [{ role: "user", content: "hello" }] };
  const post = (path: string, body: object) =>
    gateway.ask(path, { method: "POST", body: JSON.stringify(body) });

  test("means the alias `default`, as does an empty name, and reaches the service with a model", async () => {
    for (const body of [nameless, { ...nameless, model: "" }]) {
      const response = await post("/v1/chat/completions", body);
      expect([response.status, response.headers.get("x-router-reason")]).toEqual([
        200,
        "alias:default",
      ]);
      await response.text();
      expect(lastBody()).toEqual({ ...nameless, model: "clever" });
    }
    const message = await post("/v1/messages", { ...nameless, max_tokens: 5 });
    expect([message.status, message.headers.get("x-model-used")]).toEqual([200, "clever"]);
  });

  test("is held to the models of its key", async () => {
    const key = await gateway.addKey({ name: "fast-only", models: ["one/fast"] });
    const init = { method: "POST", body: JSON.stringify(nameless) };
    const headers = { authorization: `Bearer ${key}` };
    const response = await gateway.ask("/v1/chat/completions", { ...init, headers });
    expect([response.status, (await errorOf(response))["code"]]).toEqual([
      403,
      "model_not_allowed",
    ]);
  });

  test("goes by what is asked for where the endpoint tells it, whatever `default` leads to", async () => {
    const speech = { id: "voice", provides: ["tts"] };
    const upstreams = [upstreamAt(upstream.url), upstreamAt(upstream.url, speech)];
    await gateway.configure(upstreams, aliases, rules);
    for (const body of [{ input: "hello" }, { input: "hello", model: "" }]) {
      const response = await post("/v1/audio/speech", body);
      expect(response.headers.get("x-backend-used")).toBe("voice");
      expect(response.headers.get("x-router-reason")).toBe("capability:tts");
      await response.text();
    }
  });

  test("is refused where no alias is called that", async () => {
    await gateway.configure([upstreamAt(upstream.url)], { auto: ["one/fast"] });
    for (const body of [nameless, { ...nameless, model: "" }]) {
      const response = await post("/v1/chat/completions", body);
      expect([response.status, (await errorOf(response))["param"]]).toEqual([400, "model"]);
    }
  });
});
