import { afterAll, expect, test } from "vitest";
import { folderOf } from "../stack/folder.ts";
import { get, images, post } from "../support/image-adapter.ts";
import { readPng } from "../support/png.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";

const started: StandIn[] = [];
const folder = await folderOf({});
afterAll(async () => {
  await Promise.all(started.map(async ({ stop }) => stop()));
  await folder[Symbol.asyncDispose]();
});

async function localAi(environment: Readonly<Record<string, string>>): Promise<string> {
  const models = `${folder.path}/${started.length}`;
  const own = {
    STAND_IN_PORT: "{port}",
    STAND_IN_MODELS_PATH: models,
    STAND_IN_PULL_MS: "20",
    ...environment,
  };
  const standIn = await startStandIn("localai", { path: "/healthz", until: 200, environment: own });
  started.push(standIn);
  return standIn.url;
}

/** Installs a model as `POST /models/apply` does, and waits for the job's end. */
async function install(url: string, id: string): Promise<Readonly<Record<string, unknown>>> {
  const applied = await fetch(`${url}/models/apply`, {
    method: "POST",
    body: JSON.stringify({ id }),
  });
  const { uuid } = (await applied.json()) as { uuid: string };
  let job: Readonly<Record<string, unknown>> = {};
  const processed = async (): Promise<unknown> => {
    job = (await get(`${url}/models/jobs/${uuid}`)).body as typeof job;
    return job["processed"];
  };
  await expect.poll(processed, { timeout: 5_000, interval: 5 }).toBe(true);
  return job;
}

const idsAt = async (url: string): Promise<readonly string[]> =>
  ((await get(`${url}/v1/models`)).body as { data: { id: string }[] }).data.map(({ id }) => id);

test("LocalAI's stand-in has a model once a job has installed it, and makes images with it", async () => {
  const url = await localAi({});
  expect(await post(url, { prompt: "a cat", model: "sd-1.5-ggml" })).toMatchObject({ status: 404 });
  expect(await install(url, "sd-1.5-ggml")).toMatchObject({ message: "completed", error: null });
  expect(await idsAt(url)).toEqual(["sd-1.5-ggml"]);
  const body = { prompt: "a cat", size: "64x32", n: 2, response_format: "b64_json" };
  const made = images(await post(url, body)).map(readPng);
  expect(made).toMatchObject([{ width: 64, height: 32 }, { width: 64 }]);
  const { data } = (await post(url, { prompt: "a cat" })).body as { data: { url: string }[] };
  const fetched = await fetch(data[0]?.url ?? "");
  expect(readPng(Buffer.from(await fetched.arrayBuffer()))).toMatchObject({ width: 512 });
  await fetch(`${url}/models/delete/sd-1.5-ggml`, { method: "POST" });
  expect(await idsAt(url)).toEqual([]);
});

test("LocalAI's stand-in fails the job of a model that its gallery does not have", async () => {
  const url = await localAi({});
  const { message } = await install(url, "nonesuch");
  expect(message).toBe('error: no model found with name "nonesuch"');
});

test("LocalAI's stand-in lies when it is told to", async () => {
  const [starting, forgetful, other] = [
    await localAi({ STAND_IN_LIE: "never-ready" }),
    await localAi({ STAND_IN_LIE: "ready-without-model" }),
    await localAi({ STAND_IN_LIE: "wrong-model" }),
  ];
  expect(await get(`${starting}/readyz`)).toMatchObject({
    status: 503,
    body: { status: "starting" },
  });
  await install(forgetful, "sd-1.5-ggml");
  expect(await idsAt(forgetful)).toEqual([]);
  await install(other, "sd-1.5-ggml");
  expect(await idsAt(other)).toEqual(["sd-1.5-ggml-else"]);
});

test("stable-diffusion.cpp's stand-in listens once it has loaded, and makes images", async () => {
  const args = ["--listen-ip", "0.0.0.0", "--listen-port", "{port}", "--model", "/models/x.gguf"];
  const standIn = await startStandIn("sdcpp", { path: "/v1/models", until: 200, args });
  started.push(standIn);
  expect(await idsAt(standIn.url)).toEqual(["sd-cpp-local"]);
  const made = images(await post(standIn.url, { prompt: "a cat", size: "32x64" }));
  expect(made.map(readPng)).toMatchObject([{ width: 32, height: 64 }]);
});
