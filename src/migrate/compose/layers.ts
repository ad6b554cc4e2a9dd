/** What several files say of one thing, laid over each other as Compose does it (https://docs.docker.com/reference/compose-file/merge/). Pure. */
import type { MergeTags } from "./merge-tags.ts";
import type { Path } from "../../stack/problem.ts";
import { isRecord } from "../../stack/record.ts";
import type { Source } from "../../stack/source.ts";

/** A map out of a Compose file, variables not filled in. */
export type Values = Readonly<Record<string, unknown>>;

/** What one file says of a thing, and where. */
export type Layer = Readonly<{
  source: Source;
  at: Path;
  value: Values;
  /** Tags below it, by their paths in it. */
  tags: MergeTags;
}>;

/** A thing that the project defines: its layers, the one that wins last, and all of them together. */
export type Definition = Readonly<{ name: string; layers: readonly Layer[]; value: Values }>;

/** Lists of names that may as well be maps. */
const named = new Set(["environment", "labels", "networks", "depends_on", "args", "extra_hosts"]);

/** Lists that are replaced, not joined. */
const replaced = new Set(["command", "entrypoint", "test"]);

/** Lays layers over each other. */
export function defined(name: string, layers: readonly Layer[]): Definition {
  const value = layers.reduce<Values>(
    (below, { value: above, tags }) => merged(below, above, { tags, path: [] }),
    {},
  );
  return { name, layers, value };
}

/** Where in its layer a value stands. */
type Within = Readonly<{ tags: MergeTags; path: Path }>;

function merged(below: Values, above: Values, { tags, path }: Within): Values {
  const all = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const within = { tags, path: [...path, key] };
    const tag = tags(within.path);
    if (tag === "reset") all.delete(key);
    else all.set(key, tag ? value : mergedKey(key, all.get(key), value, within));
  }
  return Object.fromEntries(all);
}

function mergedKey(key: string, below: unknown, above: unknown, within: Within): unknown {
  if (below === undefined || below === null || replaced.has(key)) return above;
  const [low, high] = named.has(key) ? [asMap(below), asMap(above)] : [below, above];
  if (isRecord(low) && isRecord(high)) return merged(low, high, within);
  if (!Array.isArray(low) || !Array.isArray(high)) return above;
  return key === "volumes" ? byTarget(low, high) : unique([...low, ...high]);
}

/** `[A=b, C]` as `{A: b, C: null}`. */
function asMap(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const pairs = value.map((item): [string, unknown] => {
    const [, name = "", given = null] = /^([^=]*)(?:=(.*))?$/s.exec(String(item)) ?? [];
    return [name, given];
  });
  return Object.fromEntries(pairs);
}

function byTarget(low: readonly unknown[], high: readonly unknown[]): readonly unknown[] {
  const targets = new Set(high.map(targetOf));
  return [...low.filter((mount) => !targets.has(targetOf(mount))), ...high];
}

function targetOf(mount: unknown): unknown {
  if (isRecord(mount)) return mount["target"];
  const parts = String(mount).split(":");
  return parts[1] ?? parts[0];
}

function unique(items: readonly unknown[]): readonly unknown[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

/** Where the winning layer says something of `path`; the top of the definition when none does. */
export function placeIn(
  { layers }: Definition,
  path: Path,
): Readonly<{ source: Source; at: Path }> | undefined {
  const [key] = path;
  const layer =
    layers.findLast(({ value }) => key !== undefined && Object.hasOwn(value, key)) ?? layers.at(-1);
  return layer && { source: layer.source, at: [...layer.at, ...path] };
}
