/** A stand-in for vLLM's OpenAI server: 503 on everything while the weights load, then one served model. */
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { usesGpu } from "../lie.ts";
import { onceLoaded, openAiRoutes, runServer } from "../openai/one-model.ts";
import { type Routes, sendJson, type Visit } from "../serve.ts";

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    model: { type: "string" },
    "served-model-name": { type: "string" },
    port: { type: "string" },
    "api-key": { type: "string" },
  },
});
const model = text(
  values["served-model-name"],
  text(values["model"], positionals[0] ?? "facebook/opt-125m"),
);
const apiKey = text(values["api-key"], process.env["VLLM_API_KEY"] ?? "");

const routes: Routes = {
  "GET /health": ({ response }) => void response.writeHead(200).end(),
  "GET /ping": ({ response }) => void response.writeHead(200).end(),
  "GET /version": ({ response }) => sendJson(response, 200, { version: "0.11.0" }),
  "GET /metrics": ({ response }) => void response.end("vllm:num_requests_running 0\n"),
  ...openAiRoutes({
    model,
    owner: "vllm",
    words: `vllm 0.11.0 on ${hostname()} answers in a few words`.split(" "),
  }),
};

function text(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

/** Puts the API key in front of every route. */
function guarded(): Routes {
  return Object.fromEntries(
    Object.entries(routes).map(([key, answer]) => [
      key,
      (visit: Visit) =>
        mayEnter(visit) ? answer(visit) : sendJson(visit.response, 401, { error: "Unauthorized" }),
    ]),
  );
}

function mayEnter({ url, request }: Visit): boolean {
  const open = apiKey === "" || !url.pathname.startsWith("/v1");
  return open || request.headers.authorization === `Bearer ${apiKey}`;
}

const platform = usesGpu() ? "cuda" : "cpu";
process.stdout.write(
  `INFO 11-23 12:00:00 [__init__.py:216] Automatically detected platform ${platform}.\n`,
);
runServer(
  onceLoaded(guarded(), ({ response }) => void response.writeHead(503).end()),
  Number(text(values["port"], "8000")),
);
