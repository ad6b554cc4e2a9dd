/** A stand-in for InvokeAI (v6.13.8 of https://github.com/invoke-ai/InvokeAI): its version, models, queue and images. */
import { liesAbout, usesGpu } from "../lie.ts";
import { listFrom, numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";
import { graphProblem, isGraph } from "./graph.ts";
import { Sessions } from "./sessions.ts";

const sessions = new Sessions({
  imageMs: numberFrom("STAND_IN_IMAGE_MS", 50),
  error: process.env["STAND_IN_ERROR"],
  limit: numberFrom("STAND_IN_QUEUE", 10_000),
});
const queue = "/api/v1/queue/default";

const routes: Routes = {
  "GET /api/v1/app/version": ({ response }) => sendJson(response, 200, { version: "6.13.8" }),
  "GET /api/v2/models/": ({ url, response }) =>
    sendJson(response, 200, { models: models(url.searchParams.get("model_type")) }),
  "POST /api/v2/models/empty_model_cache": ({ response }) => sendJson(response, 200, null),
  [`POST ${queue}/enqueue_batch`]: enqueue,
  [`GET ${queue}/status`]: ({ response }) => sendJson(response, 200, { queue: sessions.status() }),
  [`GET ${queue}/i/*`]: (visit) => withItem(visit, (id) => sessions.item(id)),
  [`PUT ${queue}/i/*`]: (visit) => withItem(visit, (id) => sessions.cancel(id)),
  "GET /api/v1/images/i/*": image,
  "DELETE /api/v1/images/i/*": ({ url, response }) => {
    const name = url.pathname.split("/").at(-1) ?? "";
    const deleted = sessions.deleteImage(name) ? [name] : [];
    sendJson(response, 200, { deleted_images: deleted, affected_boards: [] });
  },
};

/** `name=base` pairs, as `STAND_IN_MODELS` has them. */
function models(type: string | null): readonly unknown[] {
  if (liesAbout("ready-without-model") || (type !== null && type !== "main")) return [];
  const own = listFrom("STAND_IN_MODELS", [
    "Dreamshaper 8=sd-1",
    "Juggernaut XL v9=sdxl",
    "FLUX=flux",
  ]);
  const pairs = liesAbout("wrong-model") ? ["Another=sd-1"] : own;
  return pairs.map((pair, at) => {
    const [name = "", base = "sd-1"] = pair.split("=");
    return {
      key: `key-${at}`,
      hash: `blake3:${at}`,
      name,
      base,
      type: "main",
      format: "diffusers",
      path: `/invokeai/models/${at}`,
    };
  });
}

function enqueue({ body, response }: Visit): void {
  const { batch } = body;
  const graph = isRecord(batch) ? batch["graph"] : undefined;
  if (!isGraph(graph))
    return sendJson(response, 422, {
      detail: [{ type: "missing", loc: ["body", "batch", "graph"], msg: "Field required" }],
    });
  const problem = graphProblem(graph, models("main"));
  if (problem !== undefined)
    return sendJson(response, 500, {
      detail: `Unexpected error while enqueuing batch: ${problem}`,
    });
  const ids = sessions.add(graph);
  sendJson(response, 201, {
    queue_id: "default",
    enqueued: ids.length,
    requested: 1,
    batch,
    priority: 0,
    item_ids: ids,
  });
}

function withItem({ url, response }: Visit, find: (id: number) => unknown): void {
  const id = Number(url.pathname.slice(`${queue}/i/`.length).split("/")[0]);
  const item = find(id);
  if (item === undefined)
    return sendJson(response, 404, {
      detail: `Queue item with id ${id} not found in queue default`,
    });
  sendJson(response, 200, item);
}

function image({ url, response }: Visit): void {
  const [name = "", what] = url.pathname.slice("/api/v1/images/i/".length).split("/");
  const bytes = what === "full" ? sessions.image(name) : undefined;
  if (!bytes) return sendJson(response, 404, { detail: "Not Found" });
  response.writeHead(200, { "content-type": "image/png", "content-length": bytes.length });
  response.end(bytes);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

process.on("SIGTERM", () => process.exit(0));
process.stdout.write(
  `[InvokeAI]::INFO --> Using torch device: ${usesGpu() ? "NVIDIA L4" : "CPU"}\n`,
);
if (liesAbout("never-ready")) setInterval(() => undefined, 60_000);
else
  setTimeout(
    () => {
      const port = numberFrom("STAND_IN_PORT", 9090);
      serverOf(routes).listen(port, "0.0.0.0", () => {
        process.stdout.write(`[InvokeAI]::INFO --> Uvicorn running on http://0.0.0.0:${port}\n`);
      });
    },
    numberFrom("STAND_IN_LOAD_MS", 300),
  );
