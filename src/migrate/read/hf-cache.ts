/** Names in the cache of huggingface_hub. Pure. */

/** The model whose folder in the cache has this name: `org/name` for `models--org--name`. Undefined for a folder that holds no model. */
export function modelOfCacheFolder(folder: string): string | undefined {
  const [, organisation, name] = /^models--([^/]+?)(?:--([^/]+))?$/.exec(folder) ?? [];
  return name === undefined ? organisation : `${organisation}/${name}`;
}
