/** A stand-in for vLLM's OpenAI server: 503 on everything while the weights load, then one served model. */
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { answerChat, answerEmbeddings, modelList, sendError } from "../openai/chat.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";

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
const served = text(
  values["served-model-name"],
  text(values["model"], positionals[0] ?? "facebook/opt-125m"),
);
const apiKey = text(values["api-key"], process.env["VLLM_API_KEY"] ?? "");
const readyAt = performance.now() + numberFrom("STAND_IN_LOAD_MS", 500);
const lastWords = process.env["STAND_IN_CRASH"];

const routes: Routes = {
  "GET /health": ({ response }) => void response.writeHead(200).end(),
  "GET /ping": ({ response }) => void response.writeHead(200).end(),
  "GET /version": ({ response }) => sendJson(response, 200, { version: "0.11.0" }),
  "GET /metrics": ({ response }) => void response.end("vllm:num_requests_running 0\n"),
  "GET /v1/models": ({ response }) => sendJson(response, 200, modelList([served], "vllm")),
  "POST /v1/chat/completions": (visit) => forServedModel(visit, async () => chat(visit)),
  "POST /v1/embeddings": (visit) => forServedModel(visit, () => answerEmbeddings(visit, 16)),
};

function text(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

async function chat(visit: Visit): Promise<void> {
  const words = `vllm 0.11.0 on ${hostname()} answers in a few words`.split(" ");
  await answerChat(visit, { words, everyMs: numberFrom("STAND_IN_CHUNK_MS", 5) });
}

async function forServedModel(visit: Visit, answer: () => void | Promise<void>): Promise<void> {
  const model = String(visit.body["model"]);
  if (model === served) return answer();
  const message = `The model \`${model}\` does not exist.`;
  sendError(visit.response, 404, { message, type: "NotFoundError", code: 404 });
}

/** Puts loading and the API key in front of every route. */
function guarded(): Routes {
  return Object.fromEntries(
    Object.entries(routes).map(([key, answer]) => [
      key,
      (visit: Visit) => {
        if (performance.now() < readyAt) return void visit.response.writeHead(503).end();
        if (!mayEnter(visit)) return sendJson(visit.response, 401, { error: "Unauthorized" });
        return answer(visit);
      },
    ]),
  );
}

function mayEnter({ url, request }: Visit): boolean {
  const open = apiKey === "" || !url.pathname.startsWith("/v1");
  return open || request.headers.authorization === `Bearer ${apiKey}`;
}

process.on("SIGTERM", () => process.exit(0));
if (lastWords === undefined)
  serverOf(guarded()).listen(Number(text(values["port"], "8000")), "0.0.0.0");
else process.stderr.write(`${lastWords}\n`, () => process.exit(1));
