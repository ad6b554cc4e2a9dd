import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { adapterFor, get, images, post, untilJobs, upstreams } from "../support/image-adapter.ts";
import { readPng } from "../support/png.ts";

const upstream = upstreams();

describe.each(["comfyui", "invokeai"] as const)("in front of %s", (kind) => {
  const quick = upstream(kind);
  const slow = upstream(kind, { STAND_IN_IMAGE_MS: "600000" });
  const broken = upstream(kind, {
    STAND_IN_LIE: "wrong-model",
    STAND_IN_ERROR: "CUDA out of memory while loading /root/models/checkpoints/x.safetensors",
  });
  const first = { comfyui: "sd_xl_base_1.0.safetensors", invokeai: "Dreamshaper 8" }[kind];
  const side = { comfyui: 1024, invokeai: 512 }[kind];

  test("OpenAI's client gets a real image, of the size that suits the model or the one it asks for", async () => {
    const base = await adapterFor(kind, (await quick).url);
    const openai = new OpenAI({ apiKey: "none", baseURL: `${base}/v1`, maxRetries: 0 });
    const models = await openai.models.list();
    expect(models.data[0]?.id).toBe(first);
    const answer = await openai.images.generate({ prompt: "a cat", model: first, quality: "high" });
    const image = readPng(Buffer.from(answer.data?.[0]?.b64_json ?? "", "base64"));
    expect(image).toMatchObject({ width: side, height: side });
    const asked = await post(base, { prompt: "a cat", size: "64x128" });
    expect(images(asked).map(readPng)).toMatchObject([{ width: 64, height: 128 }]);
  });

  test("a seed makes the same image again; further images have further seeds", async () => {
    const base = await adapterFor(kind, (await quick).url);
    const body = { prompt: "a cat", size: "64x64", seed: 7 };
    const [two, one] = [await post(base, { ...body, n: 2 }), await post(base, body)];
    expect(images(two)).toHaveLength(2);
    expect(images(two)[0]).toEqual(images(one)[0]);
    expect(images(two)[1]).not.toEqual(images(one)[0]);
  });

  test("it is ready when the upstream answers and has a model, and says what is missing otherwise", async () => {
    const ready = await adapterFor(kind, (await quick).url);
    expect(await get(`${ready}/readyz`)).toMatchObject({ status: 200, body: { ready: true } });
    const none = await upstream(kind, { STAND_IN_LIE: "ready-without-model" });
    const empty = await adapterFor(kind, none.url);
    expect(await get(`${empty}/readyz`)).toMatchObject({
      status: 503,
      body: { ready: false, status: "no_model", stage: expect.stringMatching(/has no model: \w+/) },
    });
    expect(await post(empty, { prompt: "a cat" })).toMatchObject({ status: 503 });
    await none.stop();
    expect(await get(`${empty}/readyz`)).toMatchObject({
      status: 503,
      body: { status: "loading", checks: { upstream: "does not answer" } },
    });
    expect(await post(empty, { prompt: "a cat" })).toMatchObject({
      status: 503,
      retryAfter: "5",
      body: { error: { code: "upstream_not_ready" } },
    });
  });

  test("an upstream with another model than the declared default is not ready", async () => {
    const base = await adapterFor(kind, (await broken).url, { DEFAULT_MODEL: first });
    expect(await get(`${base}/readyz`)).toMatchObject({
      status: 503,
      body: { status: "no_model" },
    });
    expect(await post(base, { prompt: "a cat" })).toMatchObject({
      status: 404,
      body: { error: { code: "model_not_found", param: "model" } },
    });
  });

  test("what fails there is told without paths", async () => {
    const base = await adapterFor(kind, (await broken).url);
    const { status, body } = await post(base, { prompt: "a cat", size: "64x64" });
    expect(status).toBe(502);
    expect(body).toMatchObject({ error: { type: "server_error", code: "upstream_error" } });
    expect(JSON.stringify(body)).toContain("CUDA out of memory while loading …");
    expect(JSON.stringify(body)).not.toMatch(/root|\.py/);
  });

  test("a client that leaves cancels its job, and the next is served", async () => {
    const { url } = await slow;
    const base = await adapterFor(kind, url);
    const leave = new AbortController();
    const asked = post(base, { prompt: "a cat" }, leave.signal).catch(() => "left");
    await untilJobs(kind, url, 1);
    expect(await post(base, { prompt: "another" })).toMatchObject({
      status: 429,
      retryAfter: "5",
      body: { error: { code: "too_many_requests" } },
    });
    leave.abort();
    expect(await asked).toBe("left");
    await untilJobs(kind, url, 0);
  });

  test("a job that takes too long is cancelled", async () => {
    const { url } = await slow;
    const base = await adapterFor(kind, url, { TIMEOUT_MS: "300" });
    expect(await post(base, { prompt: "a cat" })).toMatchObject({
      status: 504,
      body: { error: { code: "timeout" } },
    });
    await untilJobs(kind, url, 0);
  });
});
