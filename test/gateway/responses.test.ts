import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ResponseOwners } from "../../src/gateway/responses/owners.ts";
import { ResponseIdWatch, responseIdIn } from "../../src/gateway/responses/response-id.ts";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

let one: TestUpstream;
let two: TestUpstream;
let gateway: TestGateway;
let client: OpenAI;

beforeAll(async () => {
  [one, two, gateway] = await Promise.all([
    startUpstream(["echo", "first"]),
    startUpstream(["echo", "second"]),
    launchGateway(),
  ]);
  await gateway.configure([
    upstreamAt(one.url, { id: "one" }),
    upstreamAt(two.url, { id: "two", api_path: "/v1" }),
  ]);
  client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([one.stop(), two.stop()]);
});

const create = (model: string, more: object = {}) =>
  client.responses.create({ model, input: "hello", ...more });

describe("a response", () => {
  test("is read, cancelled, listed and deleted at the service that made it", async () => {
    const { id } = await create("two/second");
    expect(await client.responses.retrieve(id)).toMatchObject({ id, model: "second" });
    expect(await client.responses.cancel(id)).toMatchObject({ id, status: "cancelled" });
    const { data } = await client.responses.inputItems.list(id, { limit: 5 });
    expect(data[0]).toMatchObject({ id: `msg_${id}` });
    expect(two.received.at(-1)?.path).toBe(`/v1/responses/${id}/input_items?limit=5`);
    await client.responses.delete(id);
    await expect(client.responses.retrieve(id)).rejects.toMatchObject({
      status: 404,
      code: "response_not_found",
    });
    expect(one.received).toEqual([]);
  });

  test("is remembered from its stream, before the stream has ended", async () => {
    const stream = await client.responses.create({ model: "first", input: "a b", stream: true });
    for await (const event of stream) {
      if (event.type !== "response.created") continue;
      expect(await client.responses.retrieve(event.response.id)).toMatchObject({ model: "first" });
    }
  });

  test("is continued at the service that made it, though others have the model too", async () => {
    const { id } = await create("two/echo");
    for (let turn = 0; turn < 4; turn += 1) {
      const next = await create("echo", { previous_response_id: id }).withResponse();
      expect(next.response.headers.get("x-backend-used")).toBe("two");
      expect(next.data.previous_response_id).toBe(id);
    }
    await expect(create("first", { previous_response_id: id })).rejects.toMatchObject({
      status: 400,
      code: "previous_response_elsewhere",
    });
  });

  test("of another key does not exist, neither to read nor to continue", async () => {
    const { id } = await create("echo");
    const key = await gateway.addKey({ name: "stranger" });
    const stranger = new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    const before = one.received.length + two.received.length;
    const asks = [
      stranger.responses.retrieve(id),
      stranger.responses.delete(id),
      stranger.responses.cancel(id),
      stranger.responses.inputItems.list(id),
      stranger.responses.create({ model: "echo", input: "x", previous_response_id: id }),
    ];
    for (const ask of asks) await expect(ask).rejects.toMatchObject({ status: 404 });
    expect(one.received.length + two.received.length).toBe(before);
  });

  test("is asked for by a plain id and a known order only", async () => {
    const { id } = await create("echo");
    const status = async (path: string, method = "GET") =>
      (await gateway.ask(`/v1/responses/${path}`, { method })).status;
    expect(await status("resp_unknown")).toBe(404);
    expect(await status(`${id}/..%2f..%2fsecret`)).toBe(404);
    expect(await status(`..%2f${id}`)).toBe(404);
    expect(await status(`${id}/cancel`)).toBe(404);
    expect(await status(id, "PUT")).toBe(405);
    expect((await fetch(`${gateway.url}/v1/responses/${id}`)).status).toBe(401);
  });

  test("that is named twice as the one to continue is refused", async () => {
    const body = '{"model":"echo","previous_response_id":"a","Previous_response_id":"b"}';
    const response = await gateway.ask("/v1/responses", { method: "POST", body });
    expect([response.status, (await errorOf(response))["param"]]).toEqual([
      400,
      "previous_response_id",
    ]);
  });
});

describe("the id of a response", () => {
  const watch = (chunks: readonly string[]) => {
    const ids: string[] = [];
    const watching = new ResponseIdWatch((id) => ids.push(id));
    for (const chunk of chunks) watching.push(chunk);
    return ids;
  };
  const created = 'event: response.created\ndata: {"response":{"x":1,"id":"resp_1"}}\n\n';

  test("is found in the first event however it is split, and only once", () => {
    for (let cut = 0; cut <= created.length; cut += 1) {
      expect(watch([created.slice(0, cut), created.slice(cut), created])).toEqual(["resp_1"]);
    }
  });

  test("is found in a document, whole or in pieces", () => {
    expect(responseIdIn(Buffer.from('{"object":"response","id":"resp_1"}'))).toBe("resp_1");
    expect(watch(['{ "id":"re', 'sp_1","output":['])).toEqual(["resp_1"]);
  });

  test("is nothing that could not stand in a path, and nothing of another kind", () => {
    expect(responseIdIn(Buffer.from('{"id":"a/b"}'))).toBeUndefined();
    expect(responseIdIn(Buffer.from("[]"))).toBeUndefined();
    expect(watch(['data: {"type":"ping"}\n\n', created])).toEqual([]);
    expect(watch([`{"output":"${"x".repeat(5_000)}`, '{"id":"a"}'])).toEqual([]);
  });
});

test("only so many responses are remembered, the newest of them", () => {
  const owners = new ResponseOwners(2);
  for (const id of ["a", "b", "a", "c"]) owners.remember("key", id, "one");
  expect(["a", "b", "c"].map((id) => owners.serviceOf("key", id))).toEqual([
    "one",
    undefined,
    "one",
  ]);
});
