import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorOf, idsOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { deadUrl, reply, startUpstream, type TestUpstream } from "../support/upstream.ts";

let one: TestUpstream;
let two: TestUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  [one, two, gateway] = await Promise.all([
    startUpstream(["shared", "only-one"]),
    startUpstream(["shared", "only-two"]),
    launchGateway(),
  ]);
});

afterEach(async () => {
  await gateway.close();
  await Promise.all([one.stop(), two.stop()]);
});

const configure = (aliases: Record<string, string[]> = {}) =>
  gateway.configure(
    [upstreamAt(one.url, { id: "one" }), upstreamAt(two.url, { id: "two" })],
    aliases,
  );

async function whoAnswers(model: string) {
  const response = await gateway.chat({ model });
  await response.text();
  const header = (name: string) => response.headers.get(name);
  return [response.status, header("x-backend-used"), header("x-model-used")];
}

async function failure(model: string) {
  const response = await gateway.chat({ model });
  const { code, message } = await errorOf(response);
  return { status: response.status, code, message, response };
}

describe("routing", () => {
  test("an exact id, service/model and an alias each find their upstream and its own name for the model", async () => {
    await configure({ fast: ["two/only-two"] });
    expect(await whoAnswers("only-one")).toEqual([200, "one", "only-one"]);
    expect(await whoAnswers("two/shared")).toEqual([200, "two", "shared"]);
    expect(await whoAnswers("fast")).toEqual([200, "two", "only-two"]);
    expect(JSON.parse(two.received.at(-1)?.body ?? "").model).toBe("only-two");
  });

  test("a name that no header can carry as it is, is carried escaped: emoji and broken Unicode too", async () => {
    one.behave({ "/v1/models": (_, response) => reply(response, 404, "{}") });
    await configure();
    expect(await whoAnswers("one/👋")).toEqual([200, "one", "%F0%9F%91%8B"]);
    expect(await whoAnswers("one/\ud800x")).toEqual([200, "one", "%EF%BF%BDx"]);
  });

  test("the list shows every model once by its id and duplicates by service/model", async () => {
    await configure({ fast: ["two/only-two"], dead: ["two/nothing"] });
    expect(await idsOf(await gateway.ask("/v1/models"))).toEqual([
      "shared",
      "only-one",
      "two/shared",
      "only-two",
      "fast",
    ]);
  });

  test("a request that is not rewritten arrives byte for byte", async () => {
    await configure();
    const body = ' {"messages" :[ ],\n"x":1.50e1 , "model":"only-one","\u00e9":"\\u00e9"} ';
    await gateway.ask("/v1/chat/completions", { method: "POST", body });
    expect(one.received.at(-1)?.body).toBe(body);
  });

  test("a rewritten request differs in the model alone", async () => {
    await configure();
    const body = (model: string) =>
      ` {"messages" :[ ],\n"x":1.50e1 , "model": "${model}" , "y":2} `;
    await gateway.ask("/v1/chat/completions", { method: "POST", body: body("two/only-two") });
    expect(two.received.at(-1)?.body).toBe(body("only-two"));
  });

  test("a model that was pulled a moment ago is found", async () => {
    await configure();
    one.models.push("just-pulled");
    expect(await whoAnswers("just-pulled")).toEqual([200, "one", "just-pulled"]);
  });

  test("an unknown model is 404 with the names that were nearly asked for", async () => {
    await configure();
    expect(await failure("only-tow")).toMatchObject({
      status: 404,
      code: "model_not_found",
      message: expect.stringContaining("only-two"),
    });
  });

  test("a model of a service that is not ready is 503 and tells when to ask again; the others serve", async () => {
    two.readiness.status = 503;
    await gateway.configure([
      upstreamAt(one.url, { id: "one" }),
      upstreamAt(two.url, { id: "two", models: ["only-two"] }),
    ]);
    const { status, code, response } = await failure("only-two");
    expect([status, code]).toEqual([503, "backend_not_ready"]);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await whoAnswers("only-one")).toEqual([200, "one", "only-one"]);
    expect(await idsOf(await gateway.ask("/v1/models"))).toEqual(["shared", "only-one"]);
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });

  test("an alias falls over on a 5xx and on a lost upstream before the first byte", async () => {
    await configure({ both: ["one/shared", "two/shared"] });
    one.behave({ "/v1/chat/completions": (_, response) => reply(response, 500, "oops") });
    expect(await whoAnswers("both")).toEqual([200, "two", "shared"]);
    await one.stop();
    expect(await whoAnswers("both")).toEqual([200, "two", "shared"]);
  });

  test("an alias does not fall over on the client's own mistake", async () => {
    await configure({ both: ["one/shared", "two/shared"] });
    const error = { message: "bad request", type: "x", code: null, param: null };
    one.behave({
      "/v1/chat/completions": (_, response) => reply(response, 400, JSON.stringify({ error })),
    });
    expect(await whoAnswers("both")).toEqual([400, "one", "shared"]);
    expect(two.received).toHaveLength(0);
  });

  test("a model that cannot do what is asked is refused with who can", async () => {
    await gateway.configure([
      upstreamAt(one.url, { id: "one", provides: ["chat"] }),
      upstreamAt(two.url, { id: "two", provides: ["embedding"] }),
    ]);
    const { status, code, message } = await failure("only-two");
    expect([status, code]).toEqual([400, "unsupported_endpoint_for_model"]);
    expect(message).toContain("one");
  });

  test("Ollama's default tag may be left out", async () => {
    one.models.push("llama:latest");
    one.behave({
      "/api/tags": (_, response) => reply(response, 200, '{"models":[{"name":"llama:latest"}]}'),
    });
    const probe = { path: "/readyz", models: "ollama" };
    await gateway.configure([upstreamAt(one.url, { models: ["llama"], probe })]);
    expect(await whoAnswers("llama")).toEqual([200, "one", "llama"]);
    expect(await whoAnswers("one/llama")).toEqual([200, "one", "llama"]);
  });

  test("a lost upstream never tells its address", async () => {
    const url = await deadUrl();
    const dead = upstreamAt(url, { id: "dead", models: ["gone"] });
    await gateway.configure([upstreamAt(one.url, { id: "one" }), dead]);
    await one.stop();
    const failed = await failure("only-one");
    expect(failed.status).toBe(503);
    expect(JSON.stringify(failed)).not.toMatch(/127\.0\.0\.1|localhost|:\d{4,5}/);
    expect(JSON.stringify(await failure("gone"))).not.toMatch(/127\.0\.0\.1/);
  });
});
