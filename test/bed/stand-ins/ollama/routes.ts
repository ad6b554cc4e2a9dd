/** A stand-in for Ollama: its routes, statuses and messages, without the weights. Its pace is set by environment. */
import { hostname } from "node:os";
import {
  answerChat,
  answerCompletion,
  answerEmbeddings,
  modelList,
  sendError,
} from "../openai/chat.ts";
import { numberFrom, type Routes, sendJson, type Visit } from "../serve.ts";
import { describe, detailsOf, Memory } from "./memory.ts";
import { answerNativeChat, answerNativeEmbed, answerNativeGenerate } from "./native.ts";
import { answerPull } from "./pull.ts";
import {
  deleteModel,
  findModel,
  installedModels,
  isEmbeddingModel,
  missingBlob,
  type Model,
  modelNamedBy,
} from "./store.ts";

/** The version it reports. */
export const version = process.env["STAND_IN_VERSION"] ?? "0.0.0";
const chunkMs = numberFrom("STAND_IN_CHUNK_MS", 5);
const memory = new Memory();

/** What it answers. */
export const routes: Routes = {
  "GET /": ({ response }) => {
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
    response.end("Ollama is running");
  },
  "GET /api/version": ({ response }) => sendJson(response, 200, { version }),
  "GET /api/tags": ({ response }) =>
    sendJson(response, 200, { models: installedModels().map(describe) }),
  "GET /api/ps": ({ response }) => sendJson(response, 200, memory.report()),
  "POST /api/show": (visit) => withModel(visit, sendMissing, (model) => show(visit, model)),
  "POST /api/pull": answerPull,
  "DELETE /api/delete": (visit) => withModel(visit, sendMissing, (model) => remove(visit, model)),
  "POST /api/generate": (visit) =>
    withModel(visit, sendMissing, async (model) => generate(visit, model)),
  "POST /api/chat": (visit) =>
    withModel(visit, sendMissing, async (model) => nativeChat(visit, model)),
  "POST /api/embed": (visit) =>
    withModel(visit, sendMissing, async (model) => {
      await memory.load(model);
      answerNativeEmbed(visit, model.name);
    }),
  "GET /v1/models": ({ response }) => {
    const names = installedModels().map(({ name }) => name);
    sendJson(response, 200, modelList(names, "library"));
  },
  "POST /v1/chat/completions": (visit) =>
    withModel(visit, sendMissingOpenAi, async (model) => chat(visit, model)),
  "POST /v1/completions": (visit) =>
    withModel(visit, sendMissingOpenAi, async (model) => {
      await memory.load(model);
      answerCompletion(visit, [`ollama ${version}`, "completes"]);
    }),
  "POST /v1/embeddings": (visit) =>
    withModel(visit, sendMissingOpenAi, async (model) => {
      await memory.load(model);
      answerEmbeddings(visit, 16);
    }),
};

async function withModel(
  visit: Visit,
  missing: (visit: Visit, name: string) => void,
  use: (model: Model) => void | Promise<void>,
): Promise<void> {
  const name = modelNamedBy(visit.body);
  const model = findModel(name);
  if (model === undefined) return missing(visit, name);
  const lost = missingBlob(name);
  if (lost === undefined) return use(model);
  sendJson(visit.response, 500, { error: `open ${lost}: no such file or directory` });
}

function sendMissing({ response }: Visit, name: string): void {
  sendJson(response, 404, { error: `model '${name}' not found` });
}

function sendMissingOpenAi({ response }: Visit, name: string): void {
  sendError(response, 404, { message: `model '${name}' not found`, type: "not_found_error" });
}

function show({ response }: Visit, model: Model): void {
  sendJson(response, 200, {
    modelfile: `FROM ${model.name}`,
    template: "{{ .Prompt }}",
    details: detailsOf(model.name),
    model_info: { "general.architecture": "llama", "llama.context_length": 131_072 },
    capabilities: isEmbeddingModel(model.name) ? ["embedding"] : ["completion", "tools"],
    modified_at: model.modifiedAt,
  });
}

function remove({ response }: Visit, model: Model): void {
  memory.unload(model.name);
  deleteModel(model.name);
  response.writeHead(200).end();
}

/** Loads, or with `keep_alive: 0` unloads; a prompt is answered, streamed unless `stream` is false. */
async function generate(visit: Visit, model: Model): Promise<void> {
  const unloads = visit.body["keep_alive"] === 0;
  if (unloads) memory.unload(model.name);
  else await memory.load(model);
  const prompted = typeof visit.body["prompt"] === "string" && visit.body["prompt"] !== "";
  const words = prompted ? [`ollama ${version}`, "answers"] : [];
  const reason = prompted ? "stop" : unloads ? "unload" : "load";
  await answerNativeGenerate(visit, { model: model.name, words, reason, everyMs: chunkMs });
}

/** `POST /api/chat`: repeats the last message, or calls the first tool it was given. */
async function nativeChat(visit: Visit, model: Model): Promise<void> {
  if (isEmbeddingModel(model.name)) {
    const error = `"${model.name}" does not support chat`;
    return sendJson(visit.response, 400, { error });
  }
  await memory.load(model);
  const words = [`ollama ${version} heard:`, ...lastWords(visit.body["messages"])];
  await answerNativeChat(visit, { model: model.name, words, reason: "stop", everyMs: chunkMs });
}

async function chat(visit: Visit, model: Model): Promise<void> {
  if (isEmbeddingModel(model.name)) {
    const message = `"${model.name}" does not support chat`;
    return sendError(visit.response, 400, { message, type: "invalid_request_error" });
  }
  await memory.load(model);
  const words = [`ollama ${version} on ${hostname()} heard:`, ...lastWords(visit.body["messages"])];
  await answerChat(visit, { words, everyMs: chunkMs });
}

function lastWords(messages: unknown): readonly string[] {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  const hasContent = typeof last === "object" && last !== null && "content" in last;
  return hasContent && typeof last.content === "string" ? last.content.split(/\s+/) : ["nothing"];
}
