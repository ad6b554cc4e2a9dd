/** A stand-in for `python3 -m sglang.launch_server`: 503 at its health routes until a token can be computed. */
import { parseArgs } from "node:util";
import { liesAbout, usesGpu } from "../lie.ts";
import { onceLoaded, openAiRoutes, runServer } from "../openai/one-model.ts";
import { sendJson, type Visit } from "../serve.ts";

const { values } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    "model-path": { type: "string" },
    port: { type: "string" },
    "enable-metrics": { type: "boolean" },
  },
});
const model = typeof values["model-path"] === "string" ? values["model-path"] : "";
const healthy = ({ response }: Visit): void => void response.writeHead(200).end();

// Its images do nothing without a GPU; one that says so is a lie that can be asked for.
const device = usesGpu() || !liesAbout("cpu") ? "cuda" : "cpu";
process.stdout.write(`[2026-11-23 12:00:00] server_args=ServerArgs(device='${device}')\n`);
runServer(
  onceLoaded(
    {
      "GET /health": healthy,
      "GET /health_generate": healthy,
      "GET /get_model_info": ({ response }) => sendJson(response, 200, { model_path: model }),
      "GET /get_server_info": ({ response }) => sendJson(response, 200, { version: "0.5.20" }),
      ...(values["enable-metrics"] === true && {
        "GET /metrics": ({ response }: Visit) => void response.end("sglang:num_running_reqs 0\n"),
      }),
      ...openAiRoutes({ model, owner: "sglang", words: ["sglang", "answers", "in", "words"] }),
    },
    ({ response }) => void response.writeHead(503).end(),
  ),
  Number(values["port"] ?? 30_000),
);
