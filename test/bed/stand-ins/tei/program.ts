/** text-embeddings-inference as a program: one model, which embeds or ranks; it listens once that is loaded (router/src/http/server.rs). */
import { setTimeout as delay } from "node:timers/promises";
import { liesAbout, servedModel, usesGpu } from "../lie.ts";
import { answerEmbeddings } from "../openai/chat.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";

const asked = process.env["MODEL_ID"] ?? "thenlper/gte-base";
const model = servedModel(asked);
const served = liesAbout("wrong-model") ? model : (process.env["SERVED_MODEL_NAME"] ?? model);
const kind = /rerank/i.test(asked) ? "reranker" : "embedding";
const mostTexts = numberFrom("MAX_CLIENT_BATCH_SIZE", 32);

const statuses = { Unhealthy: 503, Backend: 424, Validation: 413, Empty: 400 } as const;

const info = {
  model_id: model,
  model_dtype: "float32",
  model_type: {
    [kind]: kind === "embedding" ? { pooling: "cls" } : { id2label: { "0": "LABEL_0" } },
  },
  max_client_batch_size: mostTexts,
  max_input_length: 512,
  version: "1.9.4",
};

const routes: Routes = {
  "GET /health": ({ response }) => void response.writeHead(health()).end(),
  "GET /info": ({ response }) => sendJson(response, 200, info),
  "GET /metrics": ({ response }) => void response.end("te_request_count 0\n"),
  "POST /v1/embeddings": (visit) =>
    compute(visit, "embedding", visit.body["input"], () =>
      answerEmbeddings({ ...visit, body: { ...visit.body, model: served } }, 384),
    ),
  "POST /embed": (visit) =>
    compute(visit, "embedding", visit.body["inputs"], (texts) =>
      sendJson(
        visit.response,
        200,
        texts.map((text) => [text.length, 0.5, -0.25]),
      ),
    ),
  "POST /rerank": (visit) =>
    compute(visit, "reranker", visit.body["texts"], (texts) => {
      visit.response.setHeader("x-compute-tokens", String(tokensOf(texts)));
      sendJson(visit.response, 200, rank(visit.body, texts));
    }),
};

function health(): number {
  return liesAbout("never-ready") ? 503 : 200;
}

function compute(
  { response }: Visit,
  wanted: typeof kind,
  input: unknown,
  answer: (texts: readonly string[]) => void,
): void {
  const texts = Array.isArray(input) ? input.map(String) : typeof input === "string" ? [input] : [];
  const refuse = (type: keyof typeof statuses, error: string): void =>
    sendJson(response, statuses[type], { error, error_type: type });
  if (liesAbout("ready-without-model")) return refuse("Backend", "no model is loaded");
  if (wanted !== kind)
    return refuse(
      "Backend",
      wanted === "reranker" ? "model is not a re-ranker model" : "Model is not an embedding model",
    );
  if (texts.length === 0) return refuse("Empty", "`texts` cannot be empty");
  if (texts.length > mostTexts) {
    const found = `batch size ${texts.length} > maximum allowed batch size ${mostTexts}`;
    return refuse("Validation", found);
  }
  return answer(texts);
}

/** Texts that share more words with the query come first. */
function rank(body: Visit["body"], texts: readonly string[]): readonly object[] {
  const words = new Set(wordsOf(String(body["query"])));
  const scored = texts.map((text, index) => {
    const shared = wordsOf(text).filter((word) => words.has(word)).length;
    const score = shared / (1 + shared);
    return { index, score, ...(body["return_text"] === true && { text }) };
  });
  return scored.toSorted((one, other) => other.score - one.score);
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().split(/\W+/).filter(Boolean);
}

function tokensOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + wordsOf(text).length, 0);
}

/** Loads, then listens. */
export async function runTei(): Promise<void> {
  process.on("SIGTERM", () => process.exit(0));
  const lastWords = process.env["STAND_IN_CRASH"];
  if (lastWords !== undefined)
    return void process.stderr.write(`${lastWords}\n`, () => process.exit(1));
  const device = usesGpu() ? "Cuda(CudaDevice(DeviceId(1)))" : "Cpu";
  process.stdout.write(`INFO text_embeddings_backend_candle: Starting Bert model on ${device}\n`);
  await delay(numberFrom("STAND_IN_LOAD_MS", 500));
  serverOf(routes).listen(numberFrom("PORT", 3000), "0.0.0.0", () => {
    process.stdout.write("INFO text_embeddings_router::http::server: Ready\n");
  });
}
