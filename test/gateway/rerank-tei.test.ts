import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  errorOf,
  jsonOf,
  launchGateway,
  upstreamAt,
  type TestGateway,
} from "../support/gateway.ts";
import { startStandIn, type StandIn } from "../support/stand-in.ts";
import { reply, startUpstream, type TestUpstream } from "../support/upstream.ts";

const reranker = "BAAI/bge-reranker-base";
const tei = { provides: ["rerank"], dialects: { rerank: "tei" } };
const probe = { path: "/health", models: "tei" };

let standIn: StandIn;
let liar: StandIn;
let broken: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  const environment = { MODEL_ID: reranker, PORT: "{port}", MAX_CLIENT_BATCH_SIZE: "3" };
  const lies = { ...environment, STAND_IN_LIE: "wrong-model" };
  [standIn, liar, broken, gateway] = await Promise.all([
    startStandIn("tei-rerank", { environment }),
    startStandIn("tei-rerank", { environment: lies }),
    startUpstream(["broken"]),
    launchGateway(),
  ]);
  await gateway.configure([
    upstreamAt(standIn.url, { ...tei, id: "rank", models: [reranker], probe }),
    upstreamAt(liar.url, { ...tei, id: "liar", models: [reranker], probe }),
    upstreamAt(broken.url, { ...tei, id: "broken" }),
  ]);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([standIn.stop(), liar.stop(), broken.stop()]);
});

const documents = ["bread and butter", { text: "the capital of France is Paris", page: 7 }];
const query = "what is the capital of France";

const rerank = (body: object) =>
  gateway.ask("/v1/rerank", { method: "POST", body: JSON.stringify(body) });

describe("text-embeddings-inference behind /v1/rerank", () => {
  test("ranks texts and objects, the best first, and tells what it cost", async () => {
    const response = await rerank({ model: reranker, query, documents });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("x-backend-used")).toBe("rank");
    const answer = await jsonOf<{ results: { index: number; relevance_score: number }[] }>(
      response,
    );
    expect(answer).toEqual({
      id: expect.stringMatching(/^rerank-/),
      model: reranker,
      results: [
        { index: 1, relevance_score: expect.any(Number) },
        { index: 0, relevance_score: 0 },
      ],
      usage: { prompt_tokens: 9, total_tokens: 9 },
    });
  });

  test("returns documents as they came, when asked, and no more results than asked", async () => {
    const body = { query, documents, top_n: 1, return_documents: true };
    const answer = await jsonOf(await rerank({ model: `rank/${reranker}`, ...body }));
    expect(answer).toMatchObject({ results: [{ index: 1, document: documents[1] }] });
    expect(answer).toHaveProperty("results.length", 1);
  });

  test("a text comes back as a document with a text", async () => {
    const body = { model: reranker, query: "bread", documents, return_documents: true };
    expect(await jsonOf(await rerank(body))).toMatchObject({
      results: [{ index: 0, document: { text: documents[0] } }, { index: 1 }],
    });
  });

  test.each([
    ["no documents", { query }, "documents"],
    ["an empty list", { query, documents: [] }, "documents"],
    ["a document that is a number", { query, documents: ["a", 1] }, "documents.1"],
    ["no query", { documents }, "query"],
    ["a top_n of nothing", { query, documents, top_n: 0 }, "top_n"],
  ])("%s is refused with the place, before anybody is asked", async (_, body, param) => {
    const response = await rerank({ model: reranker, ...body });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: "invalid_request_body", param });
  });

  test("what it refuses is told in OpenAI's shape, as the client's to mend", async () => {
    const response = await rerank({ model: reranker, query, documents: ["a", "b", "c", "d"] });
    expect(response.status).toBe(413);
    expect(await errorOf(response)).toMatchObject({
      code: "invalid_request",
      type: "invalid_request_error",
      message: expect.stringContaining("batch size 4 > maximum allowed batch size 3"),
    });
  });

  test.each([
    ["no JSON", "oops"],
    ["another document than asked for", '[{"index":9,"score":1}]'],
    ["no ranking", '{"results":[]}'],
    ["more than anybody would send", JSON.stringify("x".repeat(5 * 1024 * 1024))],
  ])("an answer that is %s is a failure of the service", async (_, text) => {
    broken.behave({ "/rerank": (__, response) => reply(response, 200, text) });
    const response = await rerank({ model: "broken", query, documents });
    expect(response.status).toBe(502);
    expect(await errorOf(response)).toMatchObject({ code: "upstream_error", fault: "upstream" });
  });

  test("what it is asked has texts, the score between 0 and 1 and long texts cut; its own failures are told as its own", async () => {
    broken.behave({
      "/rerank": (_, response) =>
        reply(response, 424, '{"error":"the model failed","error_type":"Backend"}'),
    });
    const response = await rerank({ model: "broken", query, documents });
    expect(response.status).toBe(424);
    expect(await errorOf(response)).toMatchObject({ code: "upstream_error" });
    expect(JSON.parse(broken.received.at(-1)?.body ?? "")).toEqual({
      query,
      texts: ["bread and butter", "the capital of France is Paris"],
      raw_scores: false,
      return_text: false,
      truncate: true,
    });
  });

  test("a large ranking comes whole", async () => {
    const ranking = Array.from({ length: 3_000 }, (_, index) => ({
      index,
      score: 1 / (1 + index),
    }));
    broken.behave({ "/rerank": (_, response) => reply(response, 200, JSON.stringify(ranking)) });
    const many = ranking.map(({ index }) => `document ${index}`);
    const answer = await jsonOf(await rerank({ model: "broken", query, documents: many }));
    expect(answer).toHaveProperty("results.length", 3_000);
  });

  test("its tokens are counted", async () => {
    const metrics = await (await gateway.observe("/metrics")).text();
    const line = metrics
      .split("\n")
      .find((each) => /^nexus_tokens_total\{.*"\/v1\/rerank".*"rank".*"input"/.test(each));
    expect(Number(line?.split(" ").at(-1))).toBeGreaterThan(0);
  });

  test("the model that it serves is known by name, and another one is missed", async () => {
    const status = await jsonOf<{ services: { id: string }[] }>(await gateway.observe("/readyz"));
    expect(status.services).toContainEqual(
      expect.objectContaining({ id: "rank", state: "ready", present_models: [reranker] }),
    );
    expect(status.services).toContainEqual(
      expect.objectContaining({ id: "liar", state: "reachable", missing_models: [reranker] }),
    );
  });
});
