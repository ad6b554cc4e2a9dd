import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StackReadiness } from "../../src/gateway/protocol.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { readForm, soundBytes } from "../support/media.ts";
import { startStandIn } from "../support/stand-in.ts";
import { reply, startUpstream, type Behaviour, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  [upstream, gateway] = await Promise.all([startUpstream(), launchGateway()]);
});

afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

async function prove(provides: readonly string[], changes: object = {}) {
  const { ok, error } = await gateway.control.call({
    op: "prove",
    upstream: upstreamAt(upstream.url, { provides, ...changes }),
  });
  return ok ?? error;
}

const asked = () => upstream.received.filter(({ method }) => method === "POST");
const modelsAsked = () => asked().map(({ body }) => JSON.parse(body).model);

const capabilities: readonly (readonly [string, string])[] = [
  ["chat", "/v1/chat/completions"],
  ["completion", "/v1/completions"],
  ["messages", "/v1/messages"],
  ["embedding", "/v1/embeddings"],
  ["rerank", "/v1/rerank"],
  ["tts", "/v1/audio/speech"],
  ["asr", "/v1/audio/transcriptions"],
  ["image", "/v1/images/generations"],
];

const speak =
  (type: string, body: Buffer): Behaviour =>
  (_, response) =>
    void response.writeHead(200, { "content-type": type }).end(body);

describe("prove", () => {
  beforeEach(() => {
    const message: Behaviour = (_, response) => reply(response, 200, '{"content":[{}]}');
    upstream.behave({ "/v1/messages": message });
  });

  test("is remembered of an upstream where it is and as it is, and not when it failed", async () => {
    const proven = async () => {
      const { ok } = await gateway.control.call({ op: "status" });
      return (ok as StackReadiness).services.map((one) => one.proven);
    };
    const chat = upstreamAt(upstream.url, { provides: ["chat"] });
    await gateway.configure([chat]);
    upstream.behave({ "/v1/chat/completions": (_, response) => reply(response, 500, "{}") });
    await prove(["chat"]);
    expect(await proven()).toEqual([undefined]);
    upstream.behave({
      "/v1/chat/completions": (_, response) => reply(response, 200, '{"choices":[{}]}'),
    });
    await prove(["chat"]);
    expect(await proven()).toEqual([true]);
    await gateway.configure([{ ...chat, stream_usage: true }]);
    expect(await proven()).toEqual([true]);
    await gateway.configure([{ ...chat, models: ["other"] }]);
    expect(await proven()).toEqual([undefined]);
  });

  test.each(capabilities)(
    "of a service that provides %s makes a real request",
    async (one, path) => {
      expect(await prove([one])).toMatchObject({
        status: 200,
        detail: `POST ${path} with the model "echo" answered 200`,
      });
      expect(asked().map((each) => each.path)).toEqual([path]);
    },
  );

  test("everything that a service provides is asked for", async () => {
    const all = capabilities.map(([one]) => one);
    const report = await prove([...all, "ui"], { models: ["echo", "whisper", "kokoro", "sdxl"] });
    expect(report).toMatchObject({ status: 200 });
    const specialised = ["embedding", "rerank"];
    expect(asked().map((each) => each.path)).toEqual(
      capabilities.flatMap(([one, path]) => (specialised.includes(one) ? [] : [path])),
    );
  });

  test("one that cannot do one of the things it provides is not proven", async () => {
    upstream.behave({
      "/v1/embeddings": (_, response) => reply(response, 500, '{"error":"no GPU"}'),
    });
    upstream.models.push("nomic-embed-text");
    expect(await prove(["chat", "embedding"])).toMatchObject({
      status: 500,
      detail: expect.stringContaining("no GPU"),
    });
  });

  test("software that lists no models is asked without one", async () => {
    upstream.behave({ "/v1/models": (_, response) => reply(response, 404, "{}") });
    expect(await prove(["tts", "asr", "image"])).toMatchObject({
      status: 200,
      detail:
        "POST /v1/audio/speech answered 200; POST /v1/audio/transcriptions answered 200; POST /v1/images/generations answered 200",
    });
    const [speech, transcription, image] = asked();
    expect(JSON.parse(speech?.body ?? "")).not.toHaveProperty("model");
    expect(JSON.parse(image?.body ?? "")).not.toHaveProperty("model");
    if (!transcription) throw new Error("no transcription was asked for");
    const form = await readForm(transcription);
    expect(form).not.toHaveProperty("model");
    expect(form["file"]).toMatchObject({ type: "audio/wav" });
  });

  test("each capability is tried with the models that are made for it, by their names", async () => {
    upstream.models.splice(0, 1, "nomic-embed-text", "llama");
    expect(await prove(["chat", "embedding"])).toMatchObject({ status: 200 });
    expect(modelsAsked()).toEqual(["llama", "nomic-embed-text"]);
  });

  test("declared models come first, and what no model is made for is not asked", async () => {
    expect(await prove(["chat", "embedding"], { models: ["llama"] })).toMatchObject({
      status: 200,
      detail: 'POST /v1/chat/completions with the model "llama" answered 200',
    });
  });

  test("another model is tried when the first cannot do it", async () => {
    upstream.models.splice(0, 1, "base", "chatty");
    upstream.behave({
      "/v1/chat/completions": ({ body }, response) =>
        JSON.parse(body).model === "chatty"
          ? reply(response, 200, '{"choices":[{}]}')
          : reply(response, 400, '{"error":{"message":"does not support chat"}}'),
    });
    expect(await prove(["chat"])).toMatchObject({
      status: 200,
      detail: expect.stringContaining("chatty"),
    });
    expect(modelsAsked()).toEqual(["base", "chatty"]);
  });

  test("speech is asked for in the first voice that there is, in OpenAI's when none is listed", async () => {
    await prove(["tts"]);
    const list = (voices: unknown): Behaviour => {
      return (_, response) => reply(response, 200, JSON.stringify({ voices }));
    };
    upstream.behave({ "/v1/audio/voices": list(["af_heart", "am_adam"]) });
    await prove(["tts"]);
    upstream.behave({ "/v1/audio/voices": list([{ id: "en-GB", name: "British" }]) });
    await prove(["tts"]);
    expect(asked().map(({ body }) => JSON.parse(body).voice)).toEqual([
      "alloy",
      "af_heart",
      "en-GB",
    ]);
  });

  const silence = Buffer.concat([soundBytes.subarray(0, 44), Buffer.alloc(4_000)]);
  test.each<[string, string, string, Behaviour]>([
    ["chat", "without choices", "/v1/chat/completions", (_, to) => reply(to, 200, "{}")],
    ["embedding", "without data", "/v1/embeddings", (_, to) => reply(to, 200, '{"data":[]}')],
    ["rerank", "without results", "/v1/rerank", (_, to) => reply(to, 200, '{"results":{}}')],
    ["tts", "not as audio", "/v1/audio/speech", (_, to) => reply(to, 200, '{"ok":true}')],
    ["tts", "too few for a word", "/v1/audio/speech", speak("audio/wav", silence.subarray(0, 44))],
    ["tts", "with silence", "/v1/audio/speech", speak("audio/wav", silence)],
    ["asr", "without a text", "/v1/audio/transcriptions", (_, to) => reply(to, 200, "{}")],
    [
      "image",
      "without a picture",
      "/v1/images/generations",
      (_, to) => reply(to, 200, '{"data":[{"url":"x"}]}'),
    ],
    [
      "image",
      "is no PNG",
      "/v1/images/generations",
      (_, to) => reply(to, 200, '{"data":[{"b64_json":"aGVsbG8="}]}'),
    ],
  ])(
    "%s that is answered with an empty shell is not proven: %s",
    async (one, wrong, path, answer) => {
      upstream.behave({ [path]: answer });
      expect(await prove([one])).toMatchObject({
        status: 502,
        detail: expect.stringContaining(wrong),
      });
    },
  );

  test("a picture larger than what is usually held is looked at, too", async () => {
    const png = Buffer.concat([
      Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
      Buffer.alloc(300_000, 7),
    ]);
    const document = JSON.stringify({ data: [{ b64_json: png.toString("base64") }] });
    upstream.behave({ "/v1/images/generations": (_, response) => reply(response, 200, document) });
    expect(await prove(["image"])).toMatchObject({ status: 200 });
  });

  test("what no request is known for cannot be proven", async () => {
    expect(await prove(["ui", "video"])).toMatchObject({ code: "nothing_to_prove" });
  });

  test.each([
    ["tei", "embedding", "BAAI/bge-small-en-v1.5"],
    ["tei-rerank", "rerank", "BAAI/bge-reranker-base"],
  ])("%s is proven in its own words, and caught when it has no model", async (name, one, model) => {
    for (const lie of ["", "ready-without-model"]) {
      const environment = { MODEL_ID: model, PORT: "{port}", STAND_IN_LIE: lie };
      const standIn = await startStandIn(name, { environment });
      const dialects = { rerank: "tei" };
      const changes = { url: standIn.url, models: [model], dialects, probe: { models: "tei" } };
      expect(await prove([one], changes)).toMatchObject({ status: lie === "" ? 200 : 424 });
      await standIn.stop();
    }
  });
});
