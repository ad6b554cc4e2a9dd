/** A stand-in for Kokoro-FastAPI v0.8.0 (api/src/main.py, routers/openai_compatible.py): it listens once its model has warmed up. */
import { setTimeout as delay } from "node:timers/promises";
import { liesAbout, usesGpu } from "../lie.ts";
import { modelList } from "../openai/chat.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";
import { sendTone } from "../sound/tone.ts";

const served = liesAbout("wrong-model")
  ? ["another"]
  : ["tts-1", "tts-1-hd", "kokoro", "gpt-4o-mini-tts"];
const listed = liesAbout("ready-without-model") ? [] : served;
const formats = ["mp3", "opus", "aac", "flac", "wav", "pcm"];
/** Each name of OpenAI's with Kokoro's own (api/src/core/openai_mappings.json). */
const openAiVoices: Readonly<Record<string, string>> = {
  alloy: "am_adam",
  ash: "af_nicole",
  coral: "bf_emma",
  echo: "af_bella",
  fable: "af_sarah",
  onyx: "bm_george",
  nova: "bf_isabella",
  sage: "am_michael",
  shimmer: "af_sky",
};
const voices = ["af_heart", ...Object.values(openAiVoices)];
const defaultVoice = process.env["DEFAULT_VOICE"] ?? "af_heart";

const routes: Routes = {
  "GET /health": ({ response }) => sendJson(response, 200, { status: "healthy" }),
  "GET /v1/models": ({ response }) => sendJson(response, 200, modelList(listed, "kokoro")),
  "GET /v1/audio/voices": ({ response }) =>
    sendJson(response, 200, { voices: voices.map((id) => ({ id, name: id })) }),
  "POST /v1/audio/speech": speak,
  "POST /dev/unload": unload,
};

async function speak(visit: Visit): Promise<void> {
  const { model = "kokoro", voice = defaultVoice } = visit.body;
  if (!served.includes(String(model)))
    return refuse(visit, "invalid_model", `Unsupported model: ${String(model)}`);
  const place = voices.indexOf(openAiVoices[String(voice)] ?? String(voice));
  if (place < 0) return refuse(visit, "validation_error", `Voice '${String(voice)}' not found.`);
  if (liesAbout("ready-without-model")) {
    const detail = { error: "processing_error", message: "Backend not initialized" };
    return sendJson(visit.response, 500, { detail: { ...detail, type: "server_error" } });
  }
  await say(visit, 220 + 40 * place);
}

async function say({ body, response }: Visit, hertz: number): Promise<void> {
  const { input, response_format: format = "mp3", speed = 1 } = body;
  const isValid = typeof input === "string" && formats.includes(String(format)) && isRate(speed);
  if (!isValid) return sendJson(response, 422, { detail: [{ type: "value_error" }] });
  await sendTone(response, {
    text: input,
    format: String(format),
    sampleRate: 24_000,
    speed,
    hertz,
  });
}

function isRate(speed: unknown): speed is number {
  return typeof speed === "number" && speed >= 0.25 && speed <= 4;
}

function refuse({ response }: Visit, error: string, message: string): void {
  sendJson(response, 400, { detail: { error, message, type: "invalid_request_error" } });
}

function unload({ response }: Visit): void {
  if (process.env["ALLOW_DEV_UNLOAD"] === "true")
    return sendJson(response, 200, { status: "unloaded" });
  sendJson(response, 403, { detail: { error: "The /dev/unload endpoint is disabled" } });
}

process.on("SIGTERM", () => process.exit(0));
process.stdout.write("INFO | main:59 | Loading TTS model and voice packs...\n");
await delay(liesAbout("never-ready") ? 2 ** 31 - 1 : numberFrom("STAND_IN_LOAD_MS", 300));
const onGpu = process.env["USE_GPU"] !== "false" && usesGpu();
const device = onGpu
  ? "\nModel warmed up on cuda: kokoro_v1\nCUDA: True"
  : "\nModel warmed up on cpu: kokoro_v1\nRunning on CPU";
process.stdout.write(`${device}\n${voices.length} voice packs loaded\n`);
serverOf(routes).listen(numberFrom("STAND_IN_PORT", 8880), "0.0.0.0");
