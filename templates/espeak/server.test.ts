/** Run with `npm test` where espeak-ng is installed. Keep this file and let it grow with the service. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { createApp } from "./app.ts";
import { readSettings } from "./settings.ts";
import { Speech } from "./speech.ts";

const missing = spawnSync("espeak-ng", ["--version"]).error ? "espeak-ng is not installed" : false;
const speech = new Speech(readSettings({ SERVICE_NAME: "mine" }));
const server = createApp(speech);
let base = "";

function speak(body: unknown): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  const text = JSON.stringify(body);
  return fetch(`${base}/v1/audio/speech`, { method: "POST", headers, body: text });
}

describe("speech", { skip: missing }, () => {
  before(async () => {
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  });

  after(() => server.close());

  test("it is ready once it has spoken, and not before", async () => {
    assert.equal((await fetch(`${base}/readyz`)).status, 503);
    await speech.readiness.try();
    assert.equal((await fetch(`${base}/readyz`)).status, 200);
  });

  test("it describes itself under its own name", async () => {
    const response = await fetch(`${base}/v1/metadata`);
    assert.partialDeepStrictEqual(await response.json(), {
      schema_version: "v1",
      service: { name: "mine" },
    });
  });

  test("it speaks, and says how long it does", async () => {
    const response = await speak({ model: "espeak-ng", input: "Hello there.", voice: "nova" });
    const wav = Buffer.from(await response.arrayBuffer());
    assert.equal(response.headers.get("content-type"), "audio/wav");
    assert.equal(wav.readUInt32LE(40), wav.length - 44);
    const seconds = (wav.length - 44) / 2 / 22_050;
    assert.ok(seconds > 0.5 && seconds < 3, `${seconds} s`);
    assert.ok(wav.subarray(44).some((byte) => byte !== 0));
  });

  test("a mistake is answered with an error that names the field", async () => {
    const response = await speak({ input: "Hello", response_format: "mp3" });
    assert.equal(response.status, 400);
    assert.partialDeepStrictEqual(await response.json(), { error: { param: "response_format" } });
  });
});
