/** A stand-in for whisper-server of whisper.cpp v1.9.0 (examples/server/server.cpp): it listens once its model is loaded. */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { liesAbout, usesGpu } from "../lie.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";
import { readRecording, transcribe, writeTranscript } from "../sound/hearing.ts";

const { values } = parseArgs({
  strict: false,
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8080" },
    model: { type: "string", short: "m", default: "models/ggml-base.en.bin" },
    "inference-path": { type: "string", default: "/inference" },
    "tmp-dir": { type: "string" },
    language: { type: "string", short: "l" },
  },
});
const model = String(values.model);

const routes: Routes = {
  "GET /": ({ response }) =>
    void response
      .writeHead(200, { "content-type": "text/html" })
      .end("<h1>Whisper.cpp Server</h1>"),
  "GET /health": ({ response }) => sendJson(response, 200, { status: "ok" }),
  [`POST ${String(values["inference-path"])}`]: listen,
  "POST /load": replaceModel,
  "GET /*": notFound,
  "POST /*": notFound,
};

async function listen(visit: Visit): Promise<void> {
  const { response } = visit;
  const { fields, seconds, hasFile } = await readRecording(visit);
  if (!hasFile) return sendJson(response, 400, { error: "no 'file' field in the request" });
  if (seconds === undefined) return sendJson(response, 400, { error: "failed to read WAV file" });
  if (liesAbout("ready-without-model"))
    return sendJson(response, 500, { error: "failed to process audio" });
  const text = ` ${await transcribe("whisper.cpp", seconds)}\n`;
  const { type, body } = writeTranscript(text, seconds, fields["response_format"] ?? "json");
  response.writeHead(200, { "content-type": type.replace("text/plain", "text/html") }).end(body);
}

async function replaceModel(visit: Visit): Promise<void> {
  const { fields } = await readRecording(visit);
  const wanted = fields["model"];
  if (wanted === undefined || !existsSync(wanted))
    return sendJson(visit.response, 400, { error: "model not found!" });
  visit.response.writeHead(200, { "content-type": "application/text" }).end("Load was successful!");
}

function notFound({ response, url }: Visit): void {
  const type = { "content-type": "text/plain" };
  response.writeHead(404, type).end(`File Not Found (${url.pathname})`);
}

function fail(...lines: readonly string[]): void {
  process.stderr.write(`${lines.join("\n")}\n`, () => process.exit(3));
}

async function serve(): Promise<void> {
  const device = usesGpu() ? "using CUDA0 backend" : "no GPU found";
  process.stderr.write(`whisper_backend_init_gpu: ${device}\n`);
  await delay(numberFrom("STAND_IN_LOAD_MS", 300));
  if (liesAbout("never-ready")) return void setInterval(() => undefined, 60_000);
  serverOf(routes).listen(Number(values.port), String(values.host));
  process.stdout.write(
    `\nwhisper server listening at http://${String(values.host)}:${String(values.port)}\n\n`,
  );
}

process.on("SIGTERM", () => process.exit(0));
process.stderr.write(
  `whisper_init_from_file_with_params_no_state: loading model from '${model}'\n`,
);
if (existsSync(model)) await serve();
else
  fail(
    `whisper_init_from_file_with_params_no_state: failed to open '${model}'`,
    "error: failed to initialize whisper context",
  );
