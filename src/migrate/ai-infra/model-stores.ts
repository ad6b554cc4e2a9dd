/** Stores of models, by what lies in them. */
import { posix } from "node:path";
import type { FoundModelStore } from "../inventory.ts";
import { modelOfCacheFolder } from "../read/hf-cache.ts";
import { ollamaModelOf, readOllamaManifest } from "../read/ollama-manifest.ts";
import type { NotUnderstood } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";
import type { KnownService } from "./known-services.ts";
import { readFile } from "./read-file.ts";

/** The stores of a service, and what in them is no model. */
export type Stores = Readonly<{
  models: readonly FoundModelStore[];
  notUnderstood: readonly NotUnderstood[];
}>;

type Models = FoundModelStore["models"];
type Contents = Readonly<{ models: Models; notUnderstood: readonly NotUnderstood[] }>;

/** The stores where they usually lie, and at the path that a setting says. */
export async function findStores(
  tree: SourceTree,
  { name, stores = [] }: KnownService,
  said: string | undefined,
): Promise<Stores> {
  const own = said !== undefined && posix.isAbsolute(said) && stores[0];
  const all = own ? [{ ...own, path: posix.normalize(said) }, ...stores] : stores;
  const models: FoundModelStore[] = [];
  const notUnderstood: NotUnderstood[] = [];
  for (const { path, format } of all) {
    if (models.some((store) => store.path === path)) continue;
    const { files, bytes } = await tree.measure(path);
    if (files === 0) continue;
    const contents = await contentsOf(tree, path, format);
    models.push({ service: name, host: tree.host, path, format, models: contents.models, bytes });
    notUnderstood.push(...contents.notUnderstood);
  }
  return { models, notUnderstood };
}

function contentsOf(
  tree: SourceTree,
  path: string,
  format: FoundModelStore["format"],
): Promise<Contents> {
  switch (format) {
    case "ollama":
      return ollamaModels(tree, path);
    case "huggingface":
      return cachedModels(tree, path);
    case "files":
      return Promise.resolve({ models: [], notUnderstood: [] });
  }
}

/** A model is complete when each of its blobs is there in its size. */
async function ollamaModels(tree: SourceTree, store: string): Promise<Contents> {
  const models: { name: string; bytes: number; complete: boolean }[] = [];
  const notUnderstood: NotUnderstood[] = [];
  for (const path of await manifestsBelow(tree, `${store}/manifests`, 4)) {
    const reading = await readFile(tree, path, readOllamaManifest);
    if (!reading) continue;
    notUnderstood.push(...reading.notUnderstood);
    const { found } = reading;
    const name = found?.model ?? ollamaModelOf(path);
    if (name === undefined) continue;
    const complete = found !== undefined && (await hasBlobs(tree, store, found.blobs));
    models.push({ name, bytes: found?.bytes ?? 0, complete });
  }
  return { models, notUnderstood };
}

async function manifestsBelow(
  tree: SourceTree,
  folder: string,
  depth: number,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { path, kind } of await tree.list(folder))
    if (kind === "file") found.push(path);
    else if (depth > 1) found.push(...(await manifestsBelow(tree, path, depth - 1)));
  return found;
}

async function hasBlobs(
  tree: SourceTree,
  store: string,
  blobs: readonly Readonly<{ digest: string; bytes: number }>[],
): Promise<boolean> {
  for (const { digest, bytes } of blobs) {
    const entry = await tree.entry(`${store}/blobs/${digest.replace(":", "-")}`);
    if (entry?.kind !== "file" || entry.bytes !== bytes) return false;
  }
  return true;
}

/** `models--org--name` in the cache's folder, or in its `hub`. */
async function cachedModels(tree: SourceTree, cache: string): Promise<Contents> {
  const models: { name: string; bytes: number; complete: boolean }[] = [];
  for (const folder of [cache, `${cache}/hub`])
    for (const { path } of await tree.list(folder)) {
      const name = modelOfCacheFolder(posix.basename(path));
      if (name === undefined) continue;
      const blobs = await tree.list(`${path}/blobs`);
      const complete =
        blobs.length > 0 && blobs.every((blob) => !blob.path.endsWith(".incomplete"));
      models.push({ name, bytes: (await tree.measure(path)).bytes, complete });
    }
  return { models, notUnderstood: [] };
}
