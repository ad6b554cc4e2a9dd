/** The models of an upstream, as it lists them. */
import type { Probe, Upstream } from "../config.ts";
import { isRecord, parseJson } from "../json.ts";

/** One model; `details` are the upstream's own fields, kept for clients that know them. */
export type Model = Readonly<{ id: string; details: Readonly<Record<string, unknown>> }>;

/** What a rule calls the list of models, and how to read it. */
type ModelList = Readonly<{ path: string; read: (body: Buffer) => readonly Model[] | undefined }>;

/** Where the models of an upstream are listed under a rule. */
export function modelList(upstream: Upstream, kind: Probe["models"]): ModelList {
  switch (kind) {
    case "ollama":
      return { path: "/api/tags", read: readOllamaTags };
    case "tei":
      return { path: "/info", read: readTeiInfo };
    case "openai":
    case "none":
    default:
      return { path: `${upstream.api_path}/models`, read: readOpenAiModels };
  }
}

/** Whether two names mean the same model: Ollama's default tag may be left out. */
export function sameModel(a: string, b: string, kind: Probe["models"]): boolean {
  return a === b || (kind === "ollama" && withTag(a) === withTag(b));
}

/** Declared models that are not among those present. */
export function missingModels(upstream: Upstream, present: readonly string[]): string[] {
  const kind = upstream.probe.models;
  return upstream.models.filter((name) => !present.some((other) => sameModel(name, other, kind)));
}

function withTag(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1).includes(":") ? name : `${name}:latest`;
}

/** `{"data":[{"id":…}]}`, as OpenAI's API reference describes GET /v1/models. */
function readOpenAiModels(body: Buffer): readonly Model[] | undefined {
  return readList(body, "data", "id");
}

/** `{"models":[{"name":…}]}`, as Ollama's API documentation describes GET /api/tags. */
function readOllamaTags(body: Buffer): readonly Model[] | undefined {
  return readList(body, "models", "name");
}

/** `{"model_id":"…"}`: text-embeddings-inference has one model and no list. */
function readTeiInfo(body: Buffer): readonly Model[] | undefined {
  const document = parseJson(body);
  const id = isRecord(document) ? document["model_id"] : undefined;
  return typeof id === "string" ? [{ id, details: {} }] : undefined;
}

function readList(body: Buffer, list: string, name: string): readonly Model[] | undefined {
  const document = parseJson(body);
  const items = isRecord(document) ? document[list] : undefined;
  if (items === null) return [];
  if (!Array.isArray(items)) return undefined;
  return items.flatMap((item: unknown) => {
    const id = isRecord(item) ? item[name] : undefined;
    return isRecord(item) && typeof id === "string" ? [{ id, details: item }] : [];
  });
}
