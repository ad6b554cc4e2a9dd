/** A stand-in for ComfyUI (server.py of https://github.com/Comfy-Org/ComfyUI): it listens once its nodes are loaded, and makes images of one colour. */
import { randomUUID } from "node:crypto";
import { liesAbout, usesGpu } from "../lie.ts";
import { listFrom, numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";
import { complaintsAbout, isGraph } from "./graph.ts";
import { Queue } from "./queue.ts";

const queue = new Queue(numberFrom("STAND_IN_IMAGE_MS", 50), process.env["STAND_IN_ERROR"]);
let number = 0;

const routes: Routes = {
  "GET /system_stats": ({ response }) => sendJson(response, 200, systemStats()),
  "GET /models/checkpoints": ({ response }) => sendJson(response, 200, checkpoints()),
  "POST /prompt": enqueue,
  "GET /prompt": ({ response }) =>
    sendJson(response, 200, { exec_info: { queue_remaining: queue.remaining() } }),
  "GET /queue": ({ response }) => sendJson(response, 200, queue.report()),
  "POST /queue": ({ body, response }) => {
    for (const id of idsIn(body["delete"])) queue.drop(id);
    response.writeHead(200).end();
  },
  "POST /interrupt": ({ body, response }) => {
    queue.interrupt(typeof body["prompt_id"] === "string" ? body["prompt_id"] : undefined);
    response.writeHead(200).end();
  },
  "GET /history": ({ response }) => sendJson(response, 200, queue.history()),
  "GET /history/*": ({ url, response }) =>
    sendJson(response, 200, queue.history(url.pathname.split("/").at(-1))),
  "POST /history": ({ body, response }) => {
    for (const id of idsIn(body["delete"])) queue.forget(id);
    response.writeHead(200).end();
  },
  "GET /view": view,
  "POST /free": ({ response }) => void response.writeHead(200).end(),
};

function systemStats(): unknown {
  const device = usesGpu()
    ? { name: "cuda:0 NVIDIA L4 : cudaMallocAsync", type: "cuda", index: 0 }
    : { name: "cpu", type: "cpu", index: null };
  const memory = { vram_total: 24_000_000_000, vram_free: 23_000_000_000 };
  return {
    system: { os: "linux", comfyui_version: "0.3.68", python_version: "3.13.0", argv: ["main.py"] },
    devices: [{ ...device, ...memory, torch_vram_total: 0, torch_vram_free: 0 }],
  };
}

function checkpoints(): readonly string[] {
  if (liesAbout("ready-without-model")) return [];
  if (liesAbout("wrong-model")) return ["another.safetensors"];
  return listFrom("STAND_IN_CHECKPOINTS", ["sd_xl_base_1.0.safetensors"]);
}

function enqueue({ body, response }: Visit): void {
  const { prompt } = body;
  if (!isGraph(prompt)) return sendJson(response, 400, { error: noPrompt, node_errors: {} });
  const refusal = complaintsAbout(prompt, checkpoints());
  if (refusal) return sendJson(response, 400, refusal);
  const id = randomUUID();
  queue.add(id, prompt);
  sendJson(response, 200, { prompt_id: id, number: number++, node_errors: {} });
}

const noPrompt = {
  type: "no_prompt",
  message: "No prompt provided",
  details: "No prompt provided",
  extra_info: {},
};

function view({ url, response }: Visit): void {
  const image = queue.image(url.searchParams.get("filename") ?? "");
  if (!image) return void response.writeHead(404).end();
  response.writeHead(200, { "content-type": "image/png", "content-length": image.length });
  response.end(image);
}

function idsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

process.on("SIGTERM", () => process.exit(0));
process.stderr.write("Device: cuda:0 NVIDIA L4\n");
if (liesAbout("never-ready")) setInterval(() => undefined, 60_000);
else
  setTimeout(
    () => {
      const port = numberFrom("STAND_IN_PORT", 8188);
      serverOf(routes).listen(port, "0.0.0.0", () => {
        process.stderr.write(`To see the GUI go to: http://0.0.0.0:${port}\n`);
      });
    },
    numberFrom("STAND_IN_LOAD_MS", 300),
  );
