import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { metadataSchema } from "../../src/gateway/upstreams/metadata-schema.ts";
import { createApp } from "../../templates/espeak/app.ts";
import { readSettings } from "../../templates/espeak/settings.ts";
import { Speech } from "../../templates/espeak/speech.ts";
import { toPcm } from "../../templates/espeak/wav.ts";
import { measureSamples, measureWav } from "../support/wav.ts";

const directory = join(import.meta.dirname, "../../templates/espeak");
const missing = spawnSync("espeak-ng", ["--version"]).error !== undefined;
const folders: string[] = [];
const servers: Server[] = [];

/** A service whose espeak-ng is the given program; it has not been tried yet. */
async function serve(environment: Record<string, string> = {}) {
  const speech = new Speech(readSettings({ SERVICE_NAME: "mine", ...environment }));
  const server = createApp(speech);
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return { speech, url: `http://127.0.0.1:${port}` };
}

/** A shell script that stands for espeak-ng: it lists one voice, and speaks as told. */
async function program(speaks: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "espeak-"));
  folders.push(folder);
  const file = join(folder, "espeak-ng");
  const lines = [
    "#!/bin/sh",
    `cd ${folder}`,
    'case "$1" in --voices*) echo " 5  en-us  --/M  English  gmw/en-US  (en 3)"; exit;; esac',
    speaks,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  await chmod(file, 0o755);
  return file;
}

const header = String.raw`RIFF\044\360\377\177WAVEfmt \020\000\000\000\001\000\001\000\042\126\000\000\104\254\000\000\002\000\020\000data\000\360\377\177`;
/** Speaks three words when it is tried, and the body of the script for every other text. */
const forTexts = (script: string) =>
  `text=$(cat); printf '${header}'; printf 'sound'; [ "$text" = Ready. ] || { ${script}; }`;

afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections();
  for (const folder of folders) await rm(folder, { recursive: true });
});

async function speak(url: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const options = signal ? { signal } : {};
  return fetch(`${url}/v1/audio/speech`, {
    method: "POST",
    body: JSON.stringify(body),
    ...options,
  });
}

async function refusal(url: string, body: unknown): Promise<unknown> {
  const response = await speak(url, body);
  return { status: response.status, ...((await response.json()) as object) };
}

describe.skipIf(missing)("with espeak-ng", () => {
  let url = "";
  let openai: OpenAI;

  beforeAll(async () => {
    const service = await serve();
    await service.speech.readiness.try();
    url = service.url;
    openai = new OpenAI({ apiKey: "none", baseURL: `${url}/v1`, maxRetries: 0 });
  });

  async function said(options: Readonly<Record<string, unknown>>): Promise<Buffer> {
    const request = {
      model: "espeak-ng",
      voice: "alloy",
      input: "Hello brave new world.",
      ...options,
    };
    const response = await openai.audio.speech.create(request);
    return Buffer.from(await response.arrayBuffer());
  }

  test("it says a sentence in about the time that a person takes", async () => {
    const sound = measureWav(await said({}));
    expect(sound.sampleRate).toBe(22_050);
    expect(sound.seconds).toBeGreaterThan(1);
    expect(sound.seconds).toBeLessThan(4);
    expect(sound.loudness).toBeGreaterThan(0.02);
  });

  test("pcm is what OpenAI's is: the same sound, 24,000 samples a second, no header", async () => {
    const wav = measureWav(await said({}));
    const pcm = measureSamples(await said({ response_format: "pcm" }));
    expect(pcm.seconds).toBeCloseTo(wav.seconds, 2);
    expect(pcm.loudness).toBeCloseTo(wav.loudness, 2);
  });

  test("speed, pitch and voices are heard", async () => {
    const seconds = measureWav(await said({})).seconds;
    expect(measureWav(await said({ speed: 2 })).seconds).toBeLessThan(seconds * 0.7);
    expect(measureWav(await said({ speed: 0.5 })).seconds).toBeGreaterThan(seconds * 1.4);
    const sounds = await Promise.all(
      [{}, { voice: "onyx" }, { voice: "de" }, { voice: "de+f2" }, { pitch: 90 }].map(said),
    );
    expect(new Set(sounds.map((sound) => sound.toString("latin1"))).size).toBe(5);
  });

  test("every voice of OpenAI's leads to one that espeak-ng has", async () => {
    const response = await fetch(`${url}/v1/audio/voices`);
    const { voices } = (await response.json()) as { voices: readonly { id: string }[] };
    const ids = voices.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(100);
    expect(ids).toEqual(expect.arrayContaining(["alloy", "marin", "de", "en-us", "en", "zh"]));
    const named = ids.slice(0, 13);
    const sounds = await Promise.all(named.map(async (voice) => said({ voice, input: "Hi." })));
    for (const sound of sounds) expect(measureWav(sound).loudness).toBeGreaterThan(0.005);
    expect(new Set(sounds.map((sound) => sound.toString("latin1"))).size).toBe(named.length);
  });

  test("a language has variants under each of its names, and the nearest voice under its short one", async () => {
    const voices = ["en-gb", "en-gb+f2", "en", "en+f2", "fr-fr+f2", "fr+f2"];
    const sounds = await Promise.all(
      voices.map(async (voice) => (await said({ voice })).toString("latin1")),
    );
    const alike = sounds.map((sound) => voices[sounds.indexOf(sound)]);
    expect(alike).toEqual(["en-gb", "en-gb+f2", "en-gb", "en-gb+f2", "fr-fr+f2", "fr-fr+f2"]);
  });

  test("a long text begins before it is finished, and nothing of it is lost", async () => {
    const input = "This is a sentence of a long story. ".repeat(100);
    const response = await speak(url, { input });
    expect(response.headers.get("content-length")).toBeNull();
    const wav = Buffer.from(await response.arrayBuffer());
    expect(wav.readUInt32LE(40)).toBe(0xffff_ffff);
    expect(measureSamples(wav.subarray(44), wav).seconds).toBeGreaterThan(150);
  });

  test("what a text holds is spoken and never obeyed", async () => {
    const plain = await said({ input: "-v de; $(id) <speak>" });
    expect(measureWav(plain).loudness).toBeGreaterThan(0.02);
    // 0x01 begins a command in espeak-ng's own markup: this one would make it much slower.
    const spoken = measureWav(await said({ input: "one \u0001 80S two" })).seconds;
    expect(spoken).toBeGreaterThan(measureWav(await said({ input: "one two" })).seconds);
    expect(await said({ input: "one \u0001 two" })).toEqual(await said({ input: "one   two" }));
  });

  test("mistakes are told with the field that is wrong", async () => {
    for (const [param, body] of [
      ["input", {}],
      ["input", { input: " \n" }],
      ["input", { input: "x".repeat(4097) }],
      ["voice", { input: "x", voice: "nobody" }],
      ["voice", { input: "x", voice: "de+nobody" }],
      ["voice", { input: "x", voice: "de+f2+f3" }],
      ["voice", { input: "x", voice: { id: "mine" } }],
      ["voice", { input: "x", voice: "__proto__" }],
      ["speed", { input: "x", speed: 0.25 }],
      ["pitch", { input: "x", pitch: 1.5 }],
      ["response_format", { input: "x", response_format: "mp3" }],
      ["stream_format", { input: "x", stream_format: "sse" }],
    ] as const) {
      const type = "invalid_request_error";
      expect(await refusal(url, body)).toMatchObject({ status: 400, error: { param, type } });
    }
    expect(await refusal(url, { input: "x", model: "tts-1" })).toMatchObject({
      status: 404,
      error: { param: "model", code: "model_not_found" },
    });
  });

  test("what it says of itself is what the gateway reads", async () => {
    for (const path of ["metadata", "descriptor"]) {
      const document: unknown = await (await fetch(`${url}/v1/${path}`)).json();
      const metadata = metadataSchema.parse(document);
      expect(metadata.capabilities).toMatchObject({ domains: ["tts"], max_concurrency: 4 });
      expect(metadata.ui?.options?.map(({ key }) => key)).toEqual([
        "voice",
        "speed",
        "pitch",
        "response_format",
      ]);
    }
    const models = await openai.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(["espeak-ng"]);
    expect(await openai.models.retrieve("espeak-ng")).toMatchObject({ owned_by: "espeak-ng" });
    await expect(openai.models.retrieve("tts-1")).rejects.toMatchObject({ status: 404 });
  });

  test("the program starts, speaks once, and ends with 0 when it is told to stop", async () => {
    const service = spawn(process.execPath, ["server.ts"], {
      cwd: directory,
      env: { ...process.env, PORT: "0" },
    });
    let output = "";
    service.stdout.on("data", (data: Buffer) => {
      const before = output.includes('"ready":true');
      output += String(data);
      if (!before && output.includes('"ready":true')) service.kill("SIGTERM");
    });
    expect(await once(service, "exit")).toEqual([0, null]);
    expect(output).toContain("stopping\n");
  });

  test("its own test passes as a user runs it", async () => {
    const tests = spawn(process.execPath, ["--test"], { cwd: directory });
    expect(await once(tests, "exit")).toEqual([0, null]);
  });
});

describe("without a working espeak-ng", () => {
  test("it lives and is never ready, and says why", async () => {
    const { url, speech } = await serve({ ESPEAK_PROGRAM: "/nowhere/espeak-ng" });
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await speech.readiness.try();
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      status: "failed",
      checks: { speech: expect.stringContaining("ENOENT") },
    });
  });

  test("silence is not speech", async () => {
    const silent = `cat >/dev/null; printf '${header}'; head -c 4000 /dev/zero`;
    const { url, speech } = await serve({ ESPEAK_PROGRAM: await program(silent) });
    await speech.readiness.try();
    const report: unknown = await (await fetch(`${url}/readyz`)).json();
    expect(report).toMatchObject({
      ready: false,
      checks: { speech: expect.stringContaining("no sound") },
    });
  });

  test("a failure is the server's, and readiness is asked for anew", async () => {
    const broken = `[ -e broken ] && { echo "no memory" >&2; exit 3; }; cat >/dev/null; printf '${header}'; printf sound`;
    const espeak = await program(broken);
    const { url, speech } = await serve({ ESPEAK_PROGRAM: espeak });
    await speech.readiness.try();
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const mark = join(espeak, "../broken");
    await writeFile(mark, "");
    expect(await refusal(url, { input: "Hello" })).toMatchObject({
      status: 500,
      error: { type: "server_error", message: "espeak-ng ended with 3. no memory" },
    });
    const status = async () => (await fetch(`${url}/readyz`)).status;
    await vi.waitFor(async () => expect(await status()).toBe(503));
    await rm(mark);
    await vi.waitFor(async () => expect(await status()).toBe(200));
  });

  test("it does not speak to somebody who has left", async () => {
    const forever = forTexts("echo $$ >> pids; exec sleep 1000");
    const espeak = await program(forever);
    const { url, speech } = await serve({ ESPEAK_PROGRAM: espeak, MAX_CONCURRENCY: "1" });
    await speech.readiness.try();
    const pids = async () =>
      (await readFile(join(espeak, "../pids"), "utf8").catch(() => "")).trim().split("\n");
    const [leave, leaveToo] = [new AbortController(), new AbortController()];
    const first = speak(url, { input: "Hello" }, leave.signal).catch(() => undefined);
    await vi.waitFor(async () => expect(Number((await pids())[0])).toBeGreaterThan(0));
    const second = speak(url, { input: "Hello" }, leaveToo.signal).catch(() => undefined);
    leave.abort();
    // The second has its turn only because the first has given its own back.
    await vi.waitFor(async () => expect((await pids()).length).toBe(2));
    const [pid] = await pids();
    await vi.waitFor(() => expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH"));
    leaveToo.abort();
    await Promise.all([first, second]);
  });

  test("who comes when too many wait is told to come back", async () => {
    const espeak = await program(forTexts("exec sleep 1000"));
    const { url, speech } = await serve({ ESPEAK_PROGRAM: espeak, MAX_CONCURRENCY: "1" });
    await speech.readiness.try();
    const leave = new AbortController();
    const others = Array.from({ length: 10 }, async () => {
      const response = await speak(url, { input: "Hello" }, leave.signal).catch(() => undefined);
      if (response?.status === 429) leave.abort();
      return response?.status === 429 ? response.headers.get("retry-after") : undefined;
    });
    expect((await Promise.all(others)).filter((after) => after !== undefined)).toEqual(["1"]);
  });
});

test("samples that come in odd pieces are the same sound", async () => {
  const tone = Buffer.alloc(22_050);
  for (let index = 0; index < tone.length / 2; index += 1)
    tone.writeInt16LE(Math.round(10_000 * Math.sin(index / 8)), index * 2);
  const whole = await collect(toPcm(inPieces(tone, tone.length)));
  for (const size of [1, 3, 4096])
    expect(await collect(toPcm(inPieces(tone, size)))).toEqual(whole);
  expect(whole.length / 2).toBeCloseTo((tone.length / 2) * (24_000 / 22_050), -1);
});

async function* inPieces(samples: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < samples.length; at += size) yield samples.subarray(at, at + size);
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test("no file is too long to read, and none needs another package", async () => {
  for (const file of await readdir(directory)) {
    if (!file.endsWith(".ts")) continue;
    const text = await readFile(join(directory, file), "utf8");
    expect([file, text.split("\n").length <= 250]).toEqual([file, true]);
    expect([file, text.match(/from "(?!node:|\.\/)/)]).toEqual([file, null]);
  }
});
