/** Addresses in settings that lead to machines and services. Pure. */
import type { FoundService, Inventory } from "../inventory.ts";
import type { FoundBackend } from "../read/backends-yaml.ts";
import { Secret } from "../secret.ts";
import { targetOf } from "./address.ts";
import type { Part } from "./part.ts";
import { kept, type Settings } from "./settings.ts";

type FoundUrl = Inventory["urls"][number];

/** Downloads, not services. */
const elsewhere = /(?:REPO|INDEX|DOWNLOAD)_URL$/;

/** URLs of the gateway's settings. */
export function urlsOfSettings(settings: Settings): Part {
  const all = [...settings].map(([name, found]) => ({ name, found: kept(name, found) }));
  return { urls: all.flatMap(({ name, found }) => urlOf(name, found.value, found.at)) };
}

/** URLs of a service's settings. */
export function urlsOfService({ settings }: FoundService): readonly FoundUrl[] {
  return Object.entries(settings).flatMap(([name, { value, at }]) => urlOf(name, value, at));
}

/** URLs of backends, with the settings of the gateway filled in. */
export function urlsOfBackends(backends: readonly FoundBackend[], settings: Settings): Part {
  const urls = backends.flatMap(({ name, url = "", at }) => {
    const filled = url.replaceAll(
      /\$\{(\w+)(?::-([^}]*))?\}/g,
      (_, variable: string, fallback?: string) => settings.get(variable)?.value ?? fallback ?? "",
    );
    return urlOf(`backends.${name}.base_url`, kept("", { value: filled, at }).value, at);
  });
  return { urls };
}

function urlOf(name: string, value: string | Secret, at: FoundUrl["at"]): readonly FoundUrl[] {
  if (value instanceof Secret || elsewhere.test(name) || !targetOf(value)) return [];
  return [{ value: { setting: name, url: value }, at }];
}
