import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inspectStack, type StackFolder, stackFolder } from "../support/cli.ts";
import { measureSamples, measureWav } from "../support/wav.ts";

let stack: StackFolder;

beforeAll(async () => {
  stack = await stackFolder("");
});
afterAll(async () => stack[Symbol.asyncDispose]());

const client = () => new OpenAI({ baseURL: `${stack.api}/v1`, apiKey: stack.key(), maxRetries: 0 });

async function said(request: Readonly<Record<string, unknown>>): Promise<Buffer> {
  const whole = { voice: "nova", input: "Good morning, this is your own stack.", ...request };
  const format = { response_format: "wav", ...whole } as OpenAI.Audio.SpeechCreateParams;
  return Buffer.from(await (await client().audio.speech.create(format)).arrayBuffer());
}

async function containerOf(service: string) {
  const containers = await inspectStack(stack.name);
  return containers.find(({ Config }) => Config.Labels["io.nexus.service"] === service);
}

type Status = Readonly<{ services: readonly Readonly<{ service: string; state: string }>[] }>;

type Report = Readonly<{ services: readonly Readonly<{ service: string; level: string }>[] }>;

async function stateOf(service: string): Promise<string | undefined> {
  const { document } = await stack.json<Status>("status");
  return document.services.find((one) => one.service === service)?.state;
}

test("`add service tts --as espeak` and `up`: real speech comes out of the gateway", async () => {
  await stack.must("add", "service", "tts", "--as", "espeak", "--yes");
  await stack.must("up");
  const sound = measureWav(await said({ model: "espeak-ng" }));
  expect(sound.sampleRate).toBe(22_050);
  expect(sound.seconds).toBeGreaterThan(1.5);
  expect(sound.seconds).toBeLessThan(5);
  expect(sound.loudness).toBeGreaterThan(0.02);
  const pcm = measureSamples(await said({ model: "espeak-ng", response_format: "pcm" }));
  expect(pcm.seconds).toBeCloseTo(sound.seconds, 1);
});

test("it runs as nobody, writes nowhere and has no way out", async () => {
  const espeak = await containerOf("espeak");
  expect(espeak?.Config.User).toBe("65532:65532");
  expect(espeak?.HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"] });
});

test("`add service tts` gives Kokoro in the image that fits, which comes up beside it and speaks", async () => {
  const added = await stack.must("add", "service", "tts", "--up", "--yes");
  expect(added.stdout + added.stderr).toContain("kokoro");
  expect(await stateOf("kokoro")).toBe("ready");
  const wav = await said({ model: "kokoro" });
  expect(measureSamples(wav.subarray(44), wav).loudness).toBeGreaterThan(0.1);
  expect(measureWav(await said({ model: "espeak-ng" })).loudness).toBeGreaterThan(0.02);
  expect((await containerOf("kokoro"))?.Config.Image).toBe(
    "ghcr.io/remsky/kokoro-fastapi-cpu:v0.8.0",
  );
});

test("`add service asr` gives Speaches, which fetches its models and hears what was spoken", async () => {
  await stack.must("add", "service", "asr", "--up", "--yes");
  expect(await stateOf("speaches")).toBe("ready");
  const file = await toFile(await said({ model: "espeak-ng" }), "speech.wav");
  const request = { file, model: "Systran/faster-whisper-small" };
  expect((await client().audio.transcriptions.create(request)).text).toMatch(
    /speaches heard \d\.\d seconds/,
  );
});

test("whisper.cpp fetches its model before it serves, keeps it, and hears", async () => {
  await stack.must("add", "service", "whispercpp", "models=tiny", "--up", "--yes");
  const file = await toFile(await said({ model: "espeak-ng" }), "speech.wav");
  const listen = async () =>
    (await client().audio.transcriptions.create({ file, model: "tiny" })).text;
  expect(await listen()).toMatch(/whisper\.cpp heard \d\.\d seconds/);
  await stack.must("restart", "whispercpp");
  expect(await listen()).toContain("whisper.cpp heard");
  const { stdout } = await stack.must("logs", "whispercpp");
  expect(stdout.match(/Downloading ggml model tiny/g)).toHaveLength(1);
});

test("every one of them is proven by a request of its own kind", async () => {
  const services = ["espeak", "kokoro", "speaches", "whispercpp"];
  const models = (name: string) => (name === "whispercpp" ? ", models: [tiny]" : "");
  const text = services.map(
    (name) => `  new-${name}: { template: ${name}, ready: proven${models(name)} }`,
  );
  await stack.write(text.join("\n"));
  const { exitCode, document } = await stack.json<Report>("up");
  expect(exitCode).toBe(0);
  const levels = document.services.map(({ service, level }) => [service, level]);
  expect(levels).toEqual(expect.arrayContaining(services.map((name) => [`new-${name}`, "proven"])));
});

test("who lists another model than the declared one, none, or cannot work with it is never ready", async () => {
  const liars = { other: "kokoro", empty: "speaches", silent: "whispercpp", idle: "whispercpp" };
  const lies = {
    other: "wrong-model",
    empty: "ready-without-model",
    silent: "never-ready",
    idle: "ready-without-model",
  };
  const text = Object.entries(liars).map(([name, template]) => {
    const level = name === "idle" ? "ready: proven, " : "";
    const lie = `environment: { STAND_IN_LIE: ${lies[name as keyof typeof lies]} }`;
    return `  ${name}: { template: ${template}, stall_timeout: 4s, ${level}${lie} }`;
  });
  await stack.write(text.join("\n"));
  const { exitCode, stderr } = await stack.run("up");
  expect(exitCode).toBe(4);
  expect(stderr).toContain("other lacks the model kokoro");
  expect(stderr).toContain("empty lacks the model");
  expect(stderr).toContain("nothing answers on its port 8080");
  expect(stderr).toMatch(/idle[\s\S]*answered 500/);
});
