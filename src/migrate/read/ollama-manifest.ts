/** Manifests of Ollama's store: `<models>/manifests/<registry>/<namespace>/<name>/<tag>` (Ollama's server/manifest.go). Pure. */
import type { Place, Reading } from "../reading.ts";
import { convertDocument, type Notes, type Part } from "./document.ts";
import { Fields } from "./fields.ts";
import { readJson } from "./json.ts";

/** A model in the store. */
export type OllamaManifest = Readonly<{
  at: Place;
  /** As `ollama list` shows it: `llama3.3:70b`, `someone/model:tag`. */
  model: string;
  /** Its configuration and its layers; a blob lies in `blobs/sha256-<hex>`. */
  blobs: readonly Readonly<{ digest: string; bytes: number; kind: string }>[];
  /** Of all blobs. */
  bytes: number;
}>;

/** Reads a manifest, whose path is that of the file; undefined for an empty file and for what is none. */
export function readOllamaManifest(bytes: Buffer, at: Place): Reading<OllamaManifest | undefined> {
  const refuse = (why: string) => ({
    found: undefined,
    notUnderstood: [{ at, what: "the file", why }],
  });
  const model = ollamaModelOf(at.file);
  if (model === undefined) return refuse("does not lie where Ollama keeps its manifests.");
  if (bytes.length === 0) return refuse(`is empty: the download of ${model} was interrupted.`);
  const { found, notUnderstood } = readJson(bytes, at);
  if (found === undefined) return { found, notUnderstood };
  return convertDocument({ found, notUnderstood }, at, (root, notes) => {
    const blobs = blobsOf(root, notes);
    const size = blobs.reduce((sum, blob) => sum + blob.bytes, 0);
    return blobs.length === 0 ? undefined : { at, model, blobs, bytes: size };
  });
}

/** The name of the model whose manifest has this path; undefined where no manifest lies. */
export function ollamaModelOf(file: string): string | undefined {
  const path = file.split("/manifests/").at(-1)?.split("/") ?? [];
  const [registry, space, name, tag] = path;
  const odd = path.some((part) => part === "" || part.startsWith("."));
  if (!file.includes("/manifests/") || path.length !== 4 || odd) return undefined;
  if (registry !== "registry.ollama.ai") return `${registry}/${space}/${name}:${tag}`;
  return space === "library" ? `${name}:${tag}` : `${space}/${name}:${tag}`;
}

/** None unless all of them are well said: a model without one of them is no model. */
function blobsOf(root: ReadonlyMap<string, Part>, notes: Notes): OllamaManifest["blobs"] {
  const fields = new Fields(root, "manifest", notes);
  const config = fields.map("config");
  const layers = fields.list("layers") ?? [];
  if (layers.length === 0) notes.add(1, "layers", "are not there: it is no manifest of a model.");
  const parts = [
    ...(config === undefined ? [] : [["config", config] as const]),
    ...layers.map((part, index) => [`layers[${index}]`, entriesOf(part)] as const),
  ];
  const blobs = parts.flatMap(([what, entries]) => blobOf(what, entries, notes));
  return layers.length === 0 || blobs.length < parts.length ? [] : blobs;
}

function entriesOf(part: Part): ReadonlyMap<string, Part> {
  return part.kind === "map" ? part.entries : new Map();
}

function blobOf(
  what: string,
  entries: ReadonlyMap<string, Part>,
  notes: Notes,
): OllamaManifest["blobs"] {
  const fields = new Fields(entries, what, notes);
  const digest = fields.text("digest") ?? "";
  const bytes = fields.number("size");
  const kind = fields.text("mediaType") ?? "";
  if (/^sha256:[0-9a-f]{64}$/.test(digest) && bytes !== undefined) return [{ digest, bytes, kind }];
  notes.add(1, what, "has no checksum or no size: the model is not whole.");
  return [];
}
