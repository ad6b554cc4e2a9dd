/** A stand-in for Speaches 0.9.0-rc.3 (src/speaches/routers): it listens at once, and knows only models that it was told to fetch. */
import { usesGpu, liesAbout } from "../lie.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";
import { readRecording, transcribe, writeTranscript } from "../sound/hearing.ts";
import { sendTone } from "../sound/tone.ts";
import {
  inMemory,
  install,
  installed,
  load,
  taskOf,
  type Task,
  uninstall,
  unload,
} from "./cache.ts";

const routes: Routes = {
  "GET /health": ({ response }) => sendJson(response, 200, { message: "OK" }),
  "GET /v1/models": ({ response }) =>
    sendJson(response, 200, { data: installed().map(describe), object: "list" }),
  "GET /v1/audio/voices": listVoices,
  "GET /v1/models/*": getModel,
  "POST /v1/models/*": postModel,
  "DELETE /v1/models/*": deleteModel,
  "GET /api/ps": ({ response }) => sendJson(response, 200, { models: inMemory() }),
  "POST /api/ps/*": loadModel,
  "DELETE /api/ps/*": unloadModel,
  "POST /v1/audio/transcriptions": listen,
  "POST /v1/audio/translations": listen,
  "POST /v1/audio/speech": speak,
};

function describe(id: string) {
  const owner = id.split("/")[0];
  return { id, created: 1_767_225_600, object: "model", owned_by: owner, task: taskOf(id) };
}

/** Voices of the models that speak and are installed (executors/kokoro.py). */
function listVoices({ response }: Visit): void {
  const speaks = installed().some((id) => taskOf(id) === "text-to-speech");
  const voices = speaks ? [{ name: "af_heart", language: "en-us", gender: "female" }] : [];
  sendJson(response, 200, { voices, object: "list" });
}

/** The model that a path ends with, slashes and all. */
function modelIn({ url }: Visit, prefix: string): string {
  return decodeURIComponent(url.pathname.slice(prefix.length));
}

function getModel(visit: Visit): void {
  const model = modelIn(visit, "/v1/models/");
  if (installed().includes(model)) return sendJson(visit.response, 200, describe(model));
  sendDetail(visit, 404, `Model '${model}' not found`);
}

async function postModel(visit: Visit): Promise<void> {
  const model = modelIn(visit, "/v1/models/");
  if (taskOf(model) === undefined) return sendDetail(visit, 404, `Model '${model}' not found`);
  const isNew = await install(model);
  visit.response.writeHead(isNew ? 200 : 201);
  visit.response.end(`Model '${model}' ${isNew ? "downloaded" : "already exists"}`);
}

function deleteModel(visit: Visit): void {
  const model = modelIn(visit, "/v1/models/");
  if (uninstall(model)) return sendDetail(visit, 200, `Model '${model}' deleted`);
  sendDetail(visit, 404, `Model '${model}' not found`);
}

async function loadModel(visit: Visit): Promise<void> {
  const model = modelIn(visit, "/api/ps/");
  if (!isHere(visit, model)) return;
  const message = `Model '${model}' `;
  if (inMemory().includes(model))
    return sendJson(visit.response, 409, { message: `${message}is already loaded.` });
  await load(model);
  sendJson(visit.response, 201, { message: `${message}loaded.` });
}

function unloadModel(visit: Visit): void {
  const model = modelIn(visit, "/api/ps/");
  if (unload(model)) return sendJson(visit.response, 200, { message: `Model ${model} unloaded.` });
  sendJson(visit.response, 404, { message: `Model ${model} is not loaded.` });
}

async function listen(visit: Visit): Promise<void> {
  const { fields, seconds, hasFile } = await readRecording(visit);
  const { model, response_format: format = "json" } = fields;
  if (!hasFile || model === undefined) return sendDetail(visit, 422, [{ type: "missing" }]);
  if (seconds === undefined)
    return sendDetail(
      visit,
      415,
      "Failed to decode audio. The provided file type is not supported.",
    );
  if (!(await isUsable(visit, model, "automatic-speech-recognition"))) return;
  const text = await transcribe("speaches", seconds);
  if (fields["stream"] === "true") return streamTranscript(visit, text);
  const { type, body } = writeTranscript(text, seconds, format);
  visit.response.writeHead(200, { "content-type": type }).end(body);
}

function streamTranscript({ response }: Visit, text: string): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const word of text.split(/(?<= )/))
    response.write(`data: ${JSON.stringify({ type: "transcript.text.delta", delta: word })}\n\n`);
  response.end(`data: ${JSON.stringify({ type: "transcript.text.done", text })}\n\n`);
}

async function speak(visit: Visit): Promise<void> {
  const { model, input, voice, response_format: format = "mp3", speed = 1 } = visit.body;
  const isWhole = [model, input, voice].every((field) => typeof field === "string");
  if (!isWhole) return sendDetail(visit, 422, [{ type: "missing" }]);
  if (!(await isUsable(visit, String(model), "text-to-speech"))) return;
  const sound = { format: String(format), sampleRate: 24_000, speed: Number(speed), hertz: 330 };
  await sendTone(visit.response, { text: String(input), ...sound });
}

async function isUsable(visit: Visit, model: string, task: Task): Promise<boolean> {
  if (!isHere(visit, model)) return false;
  if (taskOf(model) !== task) {
    const message = `Model '${model}' is not supported. If you think this is a mistake, please open an issue.`;
    sendDetail(visit, 404, message);
    return false;
  }
  if (process.env["WHISPER__INFERENCE_DEVICE"] === "cuda" && !usesGpu()) {
    process.stderr.write(
      "RuntimeError: CUDA failed with error no CUDA-capable device is detected\n",
    );
    visit.response.writeHead(500, { "content-type": "text/plain" }).end("Internal Server Error");
    return false;
  }
  await load(model);
  return true;
}

function isHere(visit: Visit, model: string): boolean {
  if (installed().includes(model)) return true;
  const how = "You can download the model using `POST /v1/models`";
  sendDetail(visit, 404, `Model '${model}' is not installed locally. ${how}`);
  return false;
}

/** FastAPI's error body. */
function sendDetail({ response }: Visit, status: number, detail: unknown): void {
  sendJson(response, status, { detail });
}

process.on("SIGTERM", () => process.exit(0));
if (liesAbout("never-ready")) setInterval(() => undefined, 60_000);
else serverOf(routes).listen(numberFrom("UVICORN_PORT", 8000), "0.0.0.0");
