/** A stand-in for LocalAI (v4.9.0 of https://github.com/mudler/LocalAI): 503 while it starts, models from its gallery by jobs, images. */
import { setTimeout as delay } from "node:timers/promises";
import { modelList } from "../openai/chat.ts";
import { liesAbout } from "../lie.ts";
import { pngOf, sizeIn } from "../png.ts";
import { listFrom, numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";
import { Gallery } from "./gallery.ts";

const gallery = new Gallery({
  known: listFrom("STAND_IN_GALLERY", ["sd-1.5-ggml", "pocket-tts", "whisper-1"]),
  directory: process.env["STAND_IN_MODELS_PATH"] ?? "/models",
  installMs: numberFrom("STAND_IN_PULL_MS", 300),
  forgets: liesAbout("ready-without-model"),
});
const readyAt = performance.now() + numberFrom("STAND_IN_LOAD_MS", 300);
const images = new Map<string, Buffer>();

const routes: Routes = {
  "GET /healthz": ({ response }) => void response.writeHead(200).end(),
  "GET /readyz": ({ response }) => {
    if (!liesAbout("never-ready") && performance.now() >= readyAt)
      return void response.writeHead(200).end();
    sendJson(response, 503, { status: "starting", reason: "startup preload in progress" });
  },
  "GET /v1/models": ({ response }) => sendJson(response, 200, modelList(served(), "")),
  "POST /models/apply": ({ body, response, request }) => {
    const uuid = gallery.install(String(body["id"]));
    const status = `http://${request.headers.host}/models/jobs/${uuid}`;
    sendJson(response, 200, { uuid, status });
  },
  "GET /models/jobs/*": ({ url, response }) => {
    const job = gallery.job(url.pathname.split("/").at(-1) ?? "");
    if (job) sendJson(response, 200, job);
    else sendJson(response, 500, failure(500, "could not find any status for ID"));
  },
  "POST /models/delete/*": ({ url, response }) => {
    gallery.remove(decodeURIComponent(url.pathname.slice("/models/delete/".length)));
    sendJson(response, 200, { uuid: "removal", status: "" });
  },
  "POST /v1/images/generations": generate,
  "GET /generated-images/*": ({ url, response }) => {
    const image = images.get(url.pathname.split("/").at(-1) ?? "");
    if (image) response.writeHead(200, { "content-type": "image/png" }).end(image);
    else response.writeHead(404).end();
  },
  "POST /backend/shutdown": ({ body, response }) => {
    if (gallery.loaded.delete(String(body["model"])))
      return sendJson(response, 200, { message: "model stopped" });
    sendJson(response, 404, failure(404, `model "${String(body["model"])}" is not loaded`));
  },
};

function served(): readonly string[] {
  return liesAbout("wrong-model")
    ? gallery.models().map((name) => `${name}-else`)
    : gallery.models();
}

async function generate({ body, response, request }: Visit): Promise<void> {
  const model =
    typeof body["model"] === "string" && body["model"] !== "" ? body["model"] : served()[0];
  if (model === undefined || !served().includes(model)) {
    const message = `model "${String(model)}" not found. To see available models, call GET /v1/models`;
    return sendJson(response, 404, failure(404, message));
  }
  gallery.loaded.add(model);
  await delay(numberFrom("STAND_IN_IMAGE_MS", 50));
  const size = sizeIn(body["size"]);
  const count = Number(body["n"] ?? 1);
  const data = Array.from({ length: count }, (_, at) => {
    const image = pngOf({ ...size, seed: at });
    if (body["response_format"] === "b64_json") return { b64_json: image.toString("base64") };
    const name = `b64${images.size}.png`;
    images.set(name, image);
    return { url: `http://${request.headers.host}/generated-images/${name}` };
  });
  sendJson(response, 200, { id: "image", created: Math.floor(Date.now() / 1_000), data });
}

/** LocalAI's error body: a number as code, and an empty type. */
function failure(code: number, message: string): unknown {
  return { error: { code, message, type: "" } };
}

process.on("SIGTERM", () => process.exit(0));
const port = numberFrom("STAND_IN_PORT", 8080);
serverOf(routes).listen(port, "0.0.0.0", () => {
  process.stderr.write(`INFO LocalAI is started and running address=:${port}\n`);
});
