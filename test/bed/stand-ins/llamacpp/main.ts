/** A stand-in for llama.cpp's server: told by LLAMA_ARG_* what to load, 503 "Loading model" until it has (tools/server/README.md). */
import { usesGpu } from "../lie.ts";
import { sendError } from "../openai/chat.ts";
import { onceLoaded, openAiRoutes, runServer } from "../openai/one-model.ts";
import { numberFrom, sendJson } from "../serve.ts";

const repository = process.env["LLAMA_ARG_HF_REPO"] ?? process.env["LLAMA_ARG_MODEL"] ?? "model";
const model = process.env["LLAMA_ARG_ALIAS"] ?? repository;
const layers = usesGpu() ? "29/29" : "0/29";

process.stderr.write(`load_tensors: offloaded ${layers} layers to GPU\n`);
/** Without the switch it answers 501 (server.cpp). */
const metrics = process.env["LLAMA_ARG_ENDPOINT_METRICS"] === "1";

runServer(
  onceLoaded(
    {
      "GET /health": ({ response }) => sendJson(response, 200, { status: "ok" }),
      "GET /v1/health": ({ response }) => sendJson(response, 200, { status: "ok" }),
      "GET /props": ({ response }) =>
        sendJson(response, 200, { model_alias: model, total_slots: 1 }),
      "GET /metrics": ({ response }) =>
        metrics
          ? void response.end("llamacpp:requests_processing 0\n")
          : sendError(response, 501, {
              message: "This server does not support metrics endpoint. Start it with `--metrics`",
              type: "not_supported_error",
              code: 501,
            }),
      // It has one model and does not look at the name that a request gives it.
      ...openAiRoutes({
        model,
        owner: "llamacpp",
        words: ["llama.cpp", "answers", "in", "words"],
        answersAnything: true,
      }),
    },
    ({ response }) =>
      sendError(response, 503, { message: "Loading model", type: "unavailable_error", code: 503 }),
  ),
  numberFrom("LLAMA_ARG_PORT", 9931),
);
