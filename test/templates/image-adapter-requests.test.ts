import fc from "fast-check";
import { expect, test } from "vitest";
import { metadataSchema } from "../../src/gateway/upstreams/metadata-schema.ts";
import { readSettings } from "../../templates/image-adapter/settings.ts";
import { withoutPaths } from "../../templates/image-adapter/upstream-http.ts";
import { fillWorkflow, readWorkflow } from "../../templates/image-adapter/workflow.ts";
import { adapterFor, get, post } from "../support/image-adapter.ts";

test.each([
  ["no prompt", {}, "prompt"],
  ["an empty prompt", { prompt: " " }, "prompt"],
  ["eleven images", { prompt: "x", n: 11 }, "n"],
  ["half an image", { prompt: "x", n: 1.5 }, "n"],
  ["an odd size", { prompt: "x", size: "100x101" }, "size"],
  ["a size that is none", { prompt: "x", size: "big" }, "size"],
  ["an address", { prompt: "x", response_format: "url" }, "response_format"],
  ["a JPEG", { prompt: "x", output_format: "jpeg" }, "output_format"],
  ["a stream", { prompt: "x", stream: true }, "stream"],
  ["too many steps", { prompt: "x", steps: 1_000 }, "steps"],
  ["a number to avoid", { prompt: "x", negative_prompt: 1 }, "negative_prompt"],
])("%s is refused in OpenAI's shape", async (_case, body, param) => {
  const base = await adapterFor("comfyui", "http://127.0.0.1:9");
  expect(await post(base, body)).toMatchObject({
    status: 400,
    body: { error: { type: "invalid_request_error", param, code: "invalid_value" } },
  });
});

test("its metadata is what the gateway reads, and health asks nobody", async () => {
  const base = await adapterFor("comfyui", "http://127.0.0.1:9", { MAX_CONCURRENCY: "3" });
  const { body } = await get(`${base}/v1/metadata`);
  expect(metadataSchema.parse(body).capabilities?.max_concurrency).toBe(3);
  expect(await get(`${base}/health`)).toMatchObject({ status: 200 });
  expect(await get(`${base}/nowhere`)).toMatchObject({ status: 404 });
  expect((await fetch(`${base}/v1/models`, { method: "DELETE" })).status).toBe(405);
});

test("any prompt reaches the graph as it is, also one that looks like a place", () => {
  const graph = readWorkflow("comfyui.json");
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom("{seed}", "{model}", "$&")), (prompt) => {
      const filled = fillWorkflow(graph, { prompt, seed: 1, model: "m" });
      expect(filled["positive"]).toMatchObject({ inputs: { text: prompt } });
    }),
  );
  const part = fillWorkflow({ text: "best quality, {prompt}" }, { prompt: "a $& cat" });
  expect(part).toEqual({ text: "best quality, a $& cat" });
});

test("paths are taken out of messages, words stay", () => {
  expect(withoutPaths("cannot read /root/ComfyUI/models/x.ckpt: and/or C:\\models\\y.ckpt")).toBe(
    "cannot read …: and/or …",
  );
});

test.each([
  ["no address", { UPSTREAM_KIND: "comfyui" }, /UPSTREAM_URL must be a URL/],
  ["an unknown kind", { UPSTREAM_URL: "http://x", UPSTREAM_KIND: "x" }, /one of comfyui, invokeai/],
  [
    "no time",
    { UPSTREAM_URL: "http://x", UPSTREAM_KIND: "comfyui", TIMEOUT_MS: "0" },
    /TIMEOUT_MS must be/,
  ],
])("%s is refused at the start", (_case, environment, message) => {
  expect(() => readSettings(environment)).toThrow(message);
});
