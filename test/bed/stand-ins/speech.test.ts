import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI, { toFile } from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type StandIn, startStandIn } from "../../support/stand-in.ts";
import { measureSamples } from "../../support/wav.ts";

let folder = "";
const running: StandIn[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "speech-"));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map(async ({ stop }) => stop()));
  await rm(folder, { recursive: true });
});

type Environment = Readonly<Record<string, string>>;

async function kokoro(environment: Environment = {}): Promise<StandIn> {
  const settings = { STAND_IN_PORT: "{port}", STAND_IN_CHUNK_MS: "0", ...environment };
  const standIn = await startStandIn("kokoro", { environment: settings });
  running.push(standIn);
  return standIn;
}

async function speaches(environment: Environment = {}): Promise<StandIn> {
  const settings = {
    UVICORN_PORT: "{port}",
    STAND_IN_CACHE: folder,
    STAND_IN_PULL_MS: "0",
    STAND_IN_HEAR_MS: "0",
  };
  const standIn = await startStandIn("speaches", { environment: { ...settings, ...environment } });
  running.push(standIn);
  return standIn;
}

const whisperArgs = [
  "--host",
  "127.0.0.1",
  "--port",
  "{port}",
  "--convert",
  "--inference-path",
  "/v1/audio/transcriptions",
];

async function whispercpp(environment: Environment = {}): Promise<StandIn> {
  const model = join(folder, "ggml-small.bin");
  await writeFile(model, "weights");
  const standIn = await startStandIn("whispercpp", {
    args: [...whisperArgs, "--model", model],
    environment,
  });
  running.push(standIn);
  return standIn;
}

const clientOf = ({ url }: StandIn) =>
  new OpenAI({ apiKey: "none", baseURL: `${url}/v1`, maxRetries: 0 });

async function said(client: OpenAI, request: Readonly<Record<string, unknown>>): Promise<Buffer> {
  const whole = { model: "kokoro", voice: "alloy", input: "Hello there.", response_format: "wav" };
  const answer = await client.audio.speech.create({
    ...whole,
    ...request,
  } as OpenAI.Audio.SpeechCreateParams);
  return Buffer.from(await answer.arrayBuffer());
}

async function statusOf(url: string, init?: RequestInit): Promise<number> {
  return (await fetch(url, init)).status;
}

async function get(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

describe("kokoro", () => {
  test("speaks in the voice, at the speed and in the format that are asked for", async () => {
    const client = clientOf(await kokoro());
    const sentence = { input: "A sentence of some length, to be spoken aloud." };
    const wav = await said(client, sentence);
    expect(wav.toString("latin1", 0, 4)).toBe("RIFF");
    expect(measureSamples(wav.subarray(44), wav).loudness).toBeGreaterThan(0.1);
    const pcm = await said(client, { ...sentence, response_format: "pcm", speed: 2 });
    expect(pcm.length).toBeLessThan(wav.length * 0.7);
    expect(await said(client, { ...sentence, voice: "bf_emma" })).not.toEqual(wav);
    expect((await said(client, { response_format: "mp3" })).readUInt16BE(0)).toBe(0xfffb);
    const ids = (await client.models.list()).data.map(({ id }) => id);
    expect(ids).toEqual(["tts-1", "tts-1-hd", "kokoro", "gpt-4o-mini-tts"]);
  });

  test("refuses what Kokoro refuses, in FastAPI's words", async () => {
    const client = clientOf(await kokoro());
    await expect(said(client, { model: "espeak-ng" })).rejects.toThrow(/400.*Unsupported model/);
    await expect(said(client, { voice: "nobody" })).rejects.toThrow(
      /400.*Voice 'nobody' not found/,
    );
    await expect(said(client, { speed: 5 })).rejects.toThrow("422");
  });

  test("gives its GPU back where that is allowed, and says where it computes", async () => {
    const onGpu = await kokoro({ ALLOW_DEV_UNLOAD: "true", NVIDIA_VISIBLE_DEVICES: "GPU-1" });
    expect(await statusOf(`${onGpu.url}/dev/unload`, { method: "POST" })).toBe(200);
    expect(onGpu.output()).toContain("Model warmed up on cuda: kokoro_v1");
    const onCpu = await kokoro({ STAND_IN_LIE: "cpu", NVIDIA_VISIBLE_DEVICES: "GPU-1" });
    expect(await statusOf(`${onCpu.url}/dev/unload`, { method: "POST" })).toBe(403);
    expect(onCpu.output()).toContain("Model warmed up on cpu: kokoro_v1");
  });

  test("lies when it is told to", async () => {
    const empty = await kokoro({ STAND_IN_LIE: "ready-without-model" });
    expect(await statusOf(`${empty.url}/health`)).toBe(200);
    expect(await get(`${empty.url}/v1/models`)).toMatchObject({ data: [] });
    await expect(said(clientOf(empty), {})).rejects.toThrow("500");
    const other = clientOf(await kokoro({ STAND_IN_LIE: "wrong-model" }));
    expect((await other.models.list()).data.map(({ id }) => id)).toEqual(["another"]);
    await expect(said(other, {})).rejects.toThrow("Unsupported model");
  });
});

const whisper = "Systran/faster-whisper-small";
const voice = "speaches-ai/Kokoro-82M-v1.0-ONNX";

/** A second of silence: 16 bit mono at 16,000 samples. */
function aSecond(): Promise<File> {
  const wav = Buffer.alloc(44 + 32_000);
  wav.write("RIFF", 0, "latin1");
  wav.writeUInt32LE(32_000, 28);
  return toFile(wav, "second.wav");
}

describe("speaches", () => {
  test("knows a model once it was told to fetch it, and after a restart", async () => {
    const first = await speaches();
    const client = clientOf(first);
    const file = await aSecond();
    const listen = async () => client.audio.transcriptions.create({ file, model: whisper });
    await expect(listen()).rejects.toThrow(/404.*not installed locally/);
    const fetched = await fetch(`${first.url}/v1/models/${whisper}`, { method: "POST" });
    expect([fetched.status, await fetched.text()]).toEqual([200, `Model '${whisper}' downloaded`]);
    expect(await statusOf(`${first.url}/v1/models/${whisper}`, { method: "POST" })).toBe(201);
    expect(await statusOf(`${first.url}/v1/models/nobody/nothing`, { method: "POST" })).toBe(404);
    expect((await listen()).text).toBe("speaches heard 1.0 seconds of sound.");
    const second = clientOf(await speaches());
    expect((await second.models.list()).data).toMatchObject([{ id: whisper }]);
    expect(await statusOf(`${first.url}/v1/models/${whisper}`, { method: "DELETE" })).toBe(200);
    await expect(listen()).rejects.toThrow("404");
  });

  test("hears, translates, streams and speaks, each with a model that can", async () => {
    const { url } = await speaches();
    for (const model of [whisper, voice])
      await fetch(`${url}/v1/models/${model}`, { method: "POST" });
    const client = clientOf({ url } as StandIn);
    const request = { file: await aSecond(), model: whisper };
    const verbose = await client.audio.transcriptions.create({
      ...request,
      response_format: "verbose_json",
    });
    expect(verbose).toMatchObject({ duration: 1, segments: [{ end: 1 }] });
    expect((await client.audio.translations.create(request)).text).toContain("1.0 seconds");
    const events = await client.audio.transcriptions.create({ ...request, stream: true });
    const types = [];
    for await (const { type } of events) types.push(type);
    expect(types.at(-1)).toBe("transcript.text.done");
    const pcm = await said(client, { model: voice, voice: "af_heart", response_format: "pcm" });
    expect(measureSamples(pcm).loudness).toBeGreaterThan(0.1);
    await expect(said(client, { model: whisper })).rejects.toThrow(/404.*not supported/);
    const broken = await toFile(Buffer.from("no sound at all"), "broken.wav");
    await expect(
      client.audio.transcriptions.create({ file: broken, model: whisper }),
    ).rejects.toThrow("415");
    expect(await get(`${url}/api/ps`)).toEqual({ models: [whisper, voice] });
    expect(await statusOf(`${url}/api/ps/${whisper}`, { method: "DELETE" })).toBe(200);
    expect(await statusOf(`${url}/api/ps/${whisper}`, { method: "DELETE" })).toBe(404);
    expect(await get(`${url}/api/ps`)).toEqual({ models: [voice] });
  });

  test("computes on no processor when it was told to use a GPU", async () => {
    const standIn = await speaches({ WHISPER__INFERENCE_DEVICE: "cuda" });
    await fetch(`${standIn.url}/v1/models/${whisper}`, { method: "POST" });
    const request = { file: await aSecond(), model: whisper };
    await expect(clientOf(standIn).audio.transcriptions.create(request)).rejects.toThrow("500");
    await expect.poll(standIn.output).toContain("no CUDA-capable device is detected");
  });

  test("lies when it is told to", async () => {
    for (const [lie, installed] of [
      ["ready-without-model", []],
      ["wrong-model", ["another/model"]],
    ] as const) {
      const standIn = await speaches({ STAND_IN_LIE: lie });
      expect(await statusOf(`${standIn.url}/v1/models/${whisper}`, { method: "POST" })).toBe(200);
      const ids = (await clientOf(standIn).models.list()).data.map(({ id }) => id);
      expect([lie, ids]).toEqual([lie, installed]);
    }
  });
});

describe("whisper.cpp", () => {
  test("hears under the path that it was given, in its own words", async () => {
    const { url, output } = await whispercpp();
    const client = clientOf({ url } as StandIn);
    const request = { file: await aSecond(), model: "small" };
    expect(await client.audio.transcriptions.create(request)).toEqual({
      text: " whisper.cpp heard 1.0 seconds of sound.\n",
    });
    const vtt = await client.audio.transcriptions.create({ ...request, response_format: "vtt" });
    expect(vtt).toMatch(/^WEBVTT/);
    const file = await toFile(Buffer.from("no sound at all"), "broken.wav");
    await expect(client.audio.transcriptions.create({ ...request, file })).rejects.toThrow(
      /400.*failed to read WAV file/,
    );
    const bare = await fetch(`${url}/v1/audio/transcriptions`, { method: "POST" });
    expect(await bare.json()).toEqual({ error: "no 'file' field in the request" });
    expect(await statusOf(`${url}/inference`, { method: "POST" })).toBe(404);
    expect(await statusOf(`${url}/v1/models`)).toBe(404);
    expect(output()).toContain("whisper_backend_init_gpu: no GPU found");
  });

  test("ends when its model is not there", async () => {
    const args = [...whisperArgs, "--model", join(folder, "ggml-none.bin")];
    await expect(startStandIn("whispercpp", { args })).rejects.toThrow(
      /ended with 3: [\s\S]*failed to initialize whisper context/,
    );
  });

  test("lies when it is told to", async () => {
    const empty = await whispercpp({ STAND_IN_LIE: "ready-without-model" });
    expect(await statusOf(`${empty.url}/health`)).toBe(200);
    const request = { file: await aSecond(), model: "small" };
    await expect(clientOf(empty).audio.transcriptions.create(request)).rejects.toThrow("500");
    const onGpu = await whispercpp({ NVIDIA_VISIBLE_DEVICES: "GPU-1" });
    expect(onGpu.output()).toContain("using CUDA0 backend");
    const onCpu = await whispercpp({ NVIDIA_VISIBLE_DEVICES: "GPU-1", STAND_IN_LIE: "cpu" });
    expect(onCpu.output()).toContain("no GPU found");
  });
});
