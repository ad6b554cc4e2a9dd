import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endpoints } from "../../src/gateway/api/endpoints.ts";
import { jsonPayload } from "../../src/gateway/request/payload.ts";
import { askForPictures } from "../../src/gateway/request/pictures.ts";
import type { Candidate } from "../../src/gateway/routing/route.ts";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { reply, startUpstream, type TestUpstream } from "../support/upstream.ts";

const path = "/v1/images/generations";
const image = { provides: ["image"] };

describe("whoever answers with an address of its own is asked for bytes", () => {
  let local: TestUpstream;
  let hosted: TestUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    [local, hosted, gateway] = await Promise.all([
      startUpstream(["local"]),
      startUpstream(["hosted"]),
      launchGateway(),
    ]);
    for (const upstream of [local, hosted])
      upstream.behave({ [path]: (_, response) => reply(response, 200, '{"data":[]}') });
    await gateway.configure([
      upstreamAt(local.url, { ...image, id: "local", dialects: { images: "b64_json" } }),
      upstreamAt(hosted.url, { ...image, id: "hosted" }),
    ]);
  });

  afterAll(async () => {
    await gateway.close();
    await Promise.all([local.stop(), hosted.stop()]);
  });

  const generate = (body: string) => gateway.ask(path, { method: "POST", body });
  const lastBody = (upstream: TestUpstream) => String(upstream.received.at(-1)?.body);

  test("where the client leaves it open, and every other byte stays", async () => {
    const body = '{ "model": "local" , "prompt":"a cat"}';
    expect((await generate(body)).status).toBe(200);
    expect(lastBody(local)).toBe(`{"response_format":"b64_json",${body.slice(1)}`);
  });

  test("and nobody else is", async () => {
    const body = '{"model":"hosted","prompt":"a cat","response_format":"url"}';
    expect((await generate(body)).status).toBe(200);
    expect(lastBody(hosted)).toBe(body);
  });

  test("a client that asks for an address is told why it gets none, before anybody is asked", async () => {
    const before = local.received.length;
    const response = await generate('{"model":"local","prompt":"a","response_format":"url"}');
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({
      param: "response_format",
      message: expect.stringContaining("must be `b64_json`"),
    });
    expect(local.received.slice(before)).toEqual([]);
  });
});

const bytes = {
  monitor: { upstream: { dialects: { images: "b64_json" } } },
} as unknown as Candidate;
const addresses = { monitor: { upstream: {} } } as unknown as Candidate;

function asked(body: string, candidates: readonly Candidate[]) {
  const endpoint = endpoints.find((each) => each.path === path);
  if (!endpoint) throw new Error("there is no endpoint for images");
  const payload = jsonPayload(Buffer.from(body));
  const found = askForPictures(endpoint, payload, candidates);
  if (found.kind === "refused") return found.kind;
  const made = payload.bodyFor(undefined, found.edit ? [found.edit] : []);
  return { body: made instanceof Buffer ? made.toString() : "", candidates: found.candidates };
}

test.each([
  ["{}", '{"response_format":"b64_json"}'],
  ['{"prompt":"a"}', '{"response_format":"b64_json","prompt":"a"}'],
  ['{"response_format": null }', '{"response_format": "b64_json" }'],
  ['{"Response_Format":"b64_json"}', '{"Response_Format":"b64_json"}'],
  [
    '{"a":{"response_format":"url"}}',
    '{"response_format":"b64_json","a":{"response_format":"url"}}',
  ],
])("%s becomes %s", (body, wanted) => {
  expect(asked(body, [bytes])).toEqual({ body: wanted, candidates: [bytes] });
});

test("an address is asked for where somebody's address is for clients, and of nobody else", () => {
  const body = '{"response_format":"url"}';
  expect(asked(body, [bytes, addresses])).toEqual({ body, candidates: [addresses] });
  expect(asked('{"response_format":"\\u0075rl"}', [bytes])).toBe("refused");
});
