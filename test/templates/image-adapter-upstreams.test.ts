import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readWorkflow } from "../../templates/image-adapter/workflow.ts";
import { folderOf } from "../stack/folder.ts";
import {
  type Answer,
  adapterFor,
  get,
  images,
  post,
  untilJobs,
  upstreams,
} from "../support/image-adapter.ts";
import { readPng } from "../support/png.ts";

const upstream = upstreams();

test("a job of somebody else in ComfyUI is not interrupted by a client that leaves the queue", async () => {
  const other = await upstream("comfyui", { STAND_IN_IMAGE_MS: "600000" });
  const [mine, theirs] = [
    await adapterFor("comfyui", other.url),
    await adapterFor("comfyui", other.url),
  ];
  const [stay, leave] = [new AbortController(), new AbortController()];
  const staying = post(theirs, { prompt: "first" }, stay.signal).catch(() => "left");
  await untilJobs("comfyui", other.url, 1);
  const leaving = post(mine, { prompt: "second" }, leave.signal).catch(() => "left");
  await untilJobs("comfyui", other.url, 2);
  leave.abort();
  await leaving;
  await untilJobs("comfyui", other.url, 1);
  const { body } = await get(`${other.url}/queue`);
  expect(JSON.stringify(body)).toContain("first");
  stay.abort();
  await staying;
});

test("InvokeAI's full queue is told as such", async () => {
  const other = await upstream("invokeai", { STAND_IN_QUEUE: "0" });
  const base = await adapterFor("invokeai", other.url);
  expect(await post(base, { prompt: "a cat" })).toMatchObject({
    status: 429,
    retryAfter: "10",
    body: { error: { code: "upstream_full" } },
  });
});

test("each of InvokeAI's models is given to the graph that is made for it; others are not offered", async () => {
  const other = await upstream("invokeai");
  const base = await adapterFor("invokeai", other.url);
  const { body } = await get(`${base}/v1/models`);
  const ids = (body as { data: { id: string }[] }).data.map(({ id }) => id);
  expect(ids).toEqual(["Dreamshaper 8", "Juggernaut XL v9"]);
  const answers = [
    await post(base, { prompt: "a cat", model: "Juggernaut XL v9" }),
    await post(base, { prompt: "a cat", model: "key-1", size: "64x64" }),
  ];
  expect(answers.flatMap(images).map(readPng)).toMatchObject([{ width: 1024 }, { width: 64 }]);
});

test("ComfyUI's models are found without the ending of their files; those of Stable Diffusion 1 are 512 pixels wide", async () => {
  const other = await upstream("comfyui", {
    STAND_IN_CHECKPOINTS: "flux.safetensors,v1-5-pruned-emaonly.safetensors",
  });
  const base = await adapterFor("comfyui", other.url);
  const answer = await post(base, { prompt: "a cat", model: "v1-5-pruned-emaonly" });
  expect(answer.body).toMatchObject({ size: "512x512", model: "v1-5-pruned-emaonly.safetensors" });
});

test("a graph of one's own is used, and what the upstream has against it is told with its node", async () => {
  const other = await upstream("comfyui");
  const graph = readWorkflow("comfyui.json");
  await using folder = await folderOf({});
  const ask = async (name: string, own: object): Promise<Answer> => {
    const file = join(folder.path, name);
    await writeFile(file, JSON.stringify(own));
    const base = await adapterFor("comfyui", other.url, { WORKFLOW_FILE: file });
    return post(base, { prompt: "a cat", size: "64x64" });
  };
  const latent = {
    class_type: "EmptyLatentImage",
    inputs: { width: 32, height: 32, batch_size: 1 },
  };
  const own = await ask("own.json", { ...graph, latent });
  expect(images(own).map(readPng)).toMatchObject([{ width: 32, height: 32 }]);
  const decode = { class_type: "VAEDecode", inputs: { samples: ["sampler", 0] } };
  expect(await ask("bad.json", { ...graph, decode })).toMatchObject({
    status: 502,
    body: {
      error: {
        message:
          "ComfyUI refused the graph: Prompt outputs failed validation. VAEDecode: Required input is missing.",
      },
    },
  });
});
