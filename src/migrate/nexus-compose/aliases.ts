/** The ancestor's model aliases, as aliases of the gateway. Pure. */
import { isRecord } from "../../stack/record.ts";
import { alias as aliasSchema } from "../../stack/schema/alias.ts";
import { wordOf } from "../compose/fill.ts";
import type { Values } from "../compose/layers.ts";
import type { Note } from "../compose/note.ts";
import { backends } from "./backends.ts";
import type { Setting } from "./settings.ts";

/** Aliases as a stack file has them, and what is to be known of the others. */
export type Aliases = Readonly<{ aliases: Values; notes: readonly Note[] }>;

/** Converts a JSON text, `{"aliases": {…}}` or the map alone; `services` are those that aliases may lead to. */
export function aliasesOf({ value, note }: Setting, services: ReadonlySet<string>): Aliases {
  const read = parsed(value);
  const map = isRecord(read) && isRecord(read["aliases"]) ? read["aliases"] : read;
  if (!isRecord(map))
    return { aliases: {}, notes: [note("left-out", "holds no JSON map of aliases")] };
  const notes: Note[] = [];
  const good = Object.entries(map).flatMap(([name, wish]): readonly [string, unknown][] => {
    const made = aliasOf(name, wish, services);
    if (typeof made === "string") {
      notes.push(note("left-out", `the alias ${JSON.stringify(name)} ${made}`));
      return [];
    }
    if (isRecord(wish) && wish["tools"] === false)
      notes.push(
        note("changed", `the alias ${JSON.stringify(name)} lets requests with tools pass`),
      );
    return [[name, made]];
  });
  return { aliases: Object.fromEntries(good), notes };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const aliasName = /^[\w.:-]+$/;

/** The alias, or why there is none. */
function aliasOf(name: string, wish: unknown, services: ReadonlySet<string>): Values | string {
  if (!aliasName.test(name)) return "has a name that no alias can have";
  const { backend, model, max, temperature } = wishOf(wish);
  if (model === undefined) return "names no model";
  const service = serviceOf(backend);
  if (!services.has(service)) return `leads to ${backend}, which is not in the stack`;
  const spec = {
    to: `${service}/${model}`,
    ...(typeof max === "number" && { max_tokens: max }),
    ...(typeof temperature === "number" && { temperature }),
  };
  return aliasSchema.safeParse(spec).success ? spec : "has caps that no alias can have";
}

type Wish = Readonly<{
  backend: string;
  model: string | undefined;
  max?: unknown;
  temperature?: unknown;
}>;

/** `"backend:model"`, or a map with the ancestor's words. */
function wishOf(wish: unknown): Wish {
  if (typeof wish === "string") {
    const [, backend = "", model] = /^([^:]*):(.+)$/.exec(wish) ?? [];
    return { backend, model };
  }
  const map = isRecord(wish) ? wish : {};
  const first = (...names: readonly string[]): unknown =>
    names.map((name) => map[name]).find((value) => value !== undefined);
  const model = first("model", "upstream_model");
  return {
    backend: wordOf(map["backend"] ?? ""),
    model: typeof model === "string" && model !== "" ? model : undefined,
    max: first("max_tokens_cap", "max_tokens", "max_output_tokens"),
    temperature: first("temperature_cap", "temp_cap"),
  };
}

function serviceOf(backend: string): string {
  return backends.find(({ names }) => names.includes(backend))?.service ?? backend;
}
