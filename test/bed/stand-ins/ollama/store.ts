/** The models that the stand-in has and could have; kept in /root/.ollama, so that a volume keeps them. */
import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { listFrom, numberFrom } from "../serve.ts";

/** A model that is there. */
export type Model = Readonly<{ name: string; size: number; digest: string; modifiedAt: string }>;

const root = process.env["OLLAMA_MODELS"] ?? "/root/.ollama/models";
const manifests = join(root, "manifests");
/** Where models lie whose names say nothing of a registry. */
const usual = "registry.ollama.ai/library/";

/** What can be pulled; `STAND_IN_LIBRARY` replaces the list. */
const library = listFrom("STAND_IN_LIBRARY", [
  "llama3.2:3b",
  "llama3.2:1b",
  "llama3.2:latest",
  "qwen3:8b",
  "qwen3:0.6b",
  "qwen3:latest",
  "gemma3:4b",
  "nomic-embed-text:latest",
  "all-minilm:latest",
  "mxbai-embed-large:latest",
  "qwen3:235b",
]);

/** The name with its tag, as Ollama prints it. */
export function fullName(name: string): string {
  return name.includes(":") ? name : `${name}:latest`;
}

/** The model a request names, under either of the two keys Ollama takes; empty when it names none. */
export function modelNamedBy(body: Readonly<Record<string, unknown>>): string {
  const name = body["model"] ?? body["name"];
  return typeof name === "string" ? name : "";
}

/** True when the public library has the model. */
export function isInLibrary(name: string): boolean {
  return library.includes(fullName(name));
}

/** True for models that embed and do not chat. */
export function isEmbeddingModel(name: string): boolean {
  return /embed|minilm/.test(name);
}

/** The digest of the model's weights: always the same for the same name. */
export function weightsDigest(name: string): string {
  return createHash("sha256").update(fullName(name)).digest("hex");
}

/** Size of every model's weights in bytes, as far as the pull stream tells. */
export const weightsBytes = numberFrom("STAND_IN_MODEL_BYTES", 20_000_000);

/** All models that are there, by name; like Ollama it passes over a manifest that it cannot read. */
export function installedModels(): readonly Model[] {
  return globSync("*/**/*", { cwd: manifests, exclude: isHidden })
    .filter((path) => isManifest(join(manifests, path)))
    .toSorted()
    .map((path) => readModel(nameOf(path)));
}

/** The file of the model's weights that its manifest names and that is not there; undefined for a model that is whole. */
export function missingBlob(name: string): string | undefined {
  const document: unknown = JSON.parse(readFileSync(manifestOf(name), "utf8"));
  return digestsIn(document)
    .map((digest) => join(root, "blobs", digest.replace(":", "-")))
    .find((file) => !existsSync(file));
}

/** One model, or undefined when it is not there. */
export function findModel(name: string): Model | undefined {
  return installedModels().find((model) => model.name === fullName(name));
}

/** Records a model as pulled. */
export function saveModel(name: string): void {
  const file = manifestOf(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ size: weightsBytes, digest: weightsDigest(name) }));
  rmSync(partialOf(name), { force: true });
}

/** Removes a model. */
export function deleteModel(name: string): void {
  rmSync(manifestOf(name), { force: true });
}

/** How many bytes an interrupted pull has left behind. */
export function partialBytes(name: string): number {
  try {
    return Number(readFileSync(partialOf(name), "utf8"));
  } catch {
    return 0;
  }
}

/** Remembers how far a pull came, so that the next one goes on from there. */
export function savePartial(name: string, bytes: number): void {
  const file = partialOf(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, String(bytes));
}

function readModel(name: string): Model {
  const file = manifestOf(name);
  const document: unknown = JSON.parse(readFileSync(file, "utf8"));
  const size = isSized(document) ? document.size : weightsBytes;
  return {
    name,
    size,
    digest: weightsDigest(name),
    modifiedAt: statSync(file).mtime.toISOString(),
  };
}

function isSized(document: unknown): document is Readonly<{ size: number }> {
  return isRecord(document) && "size" in document;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function manifestOf(name: string): string {
  const full = fullName(name);
  const path = full.replace(/:(?=[^:/]*$)/, "/");
  return join(manifests, full.split("/").length > 2 ? path : `${usual}${path}`);
}

/** `registry.ollama.ai/library/qwen3/8b` is `qwen3:8b`, and `hf.co/who/what/tag` is `hf.co/who/what:tag`. */
function nameOf(path: string): string {
  return path.replace(usual, "").replace(/\/(?=[^/]*$)/, ":");
}

function isHidden(path: string): boolean {
  return path.startsWith(".");
}

function isManifest(file: string): boolean {
  const stats = statSync(file);
  return stats.isFile() && stats.size > 0;
}

function digestsIn(document: unknown): readonly string[] {
  const layers = isRecord(document) && Array.isArray(document["layers"]) ? document["layers"] : [];
  return layers.flatMap((layer: unknown) => (isRecord(layer) ? [String(layer["digest"])] : []));
}

function partialOf(name: string): string {
  return join(root, "blobs", `sha256-${weightsDigest(name)}-partial`);
}
