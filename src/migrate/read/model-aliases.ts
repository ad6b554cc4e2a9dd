/** Aliases of the old gateways: `model_aliases.json`, or the value of `MODEL_ALIASES_JSON`. Pure. */
import type { FoundAlias } from "../inventory.ts";
import type { Place, Reading } from "../reading.ts";
import { convertDocument, type Notes, type Part } from "./document.ts";
import { defined, Fields } from "./fields.ts";
import { readJson } from "./json.ts";

/** Reads aliases, with `aliases` around them or without; names are lower case as the old gateway made them, and backends stay as they are called there. */
export function readModelAliases(bytes: Buffer, at: Place): Reading<readonly FoundAlias[]> {
  return convertDocument(readJson(bytes, at), at, (root, notes) => {
    const inner = root.get("aliases");
    const wrapped = inner?.kind === "map";
    if (wrapped) noteOthers(root, notes);
    const found = new Map<string, FoundAlias>();
    for (const [given, part] of wrapped ? inner.entries : root) {
      const alias = readAlias(given.trim().toLowerCase(), part, notes);
      if (alias === undefined) continue;
      if (found.has(alias.name))
        notes.add(part.line, `aliases.${given}`, "is the same name again: the last one counts.");
      found.set(alias.name, alias);
    }
    return [...found.values()];
  });
}

function noteOthers(root: ReadonlyMap<string, Part>, notes: Notes): void {
  for (const [name, { line }] of root)
    if (name !== "aliases") notes.add(line, name, "stands beside `aliases`: it was never read.");
}

function readAlias(name: string, part: Part, notes: Notes): FoundAlias | undefined {
  const what = `aliases.${name}`;
  const at = notes.place(part.line);
  const alias =
    part.kind === "map"
      ? readFields(name, at, new Fields(part.entries, what, notes))
      : readText(name, at, part.kind === "scalar" ? part.value : null);
  if (name !== "" && alias !== undefined) return alias;
  const why = "is neither `backend:model` nor a map with both: the old gateway dropped it.";
  notes.add(part.line, what, why);
  return undefined;
}

function readText(name: string, at: Place, value: unknown): FoundAlias | undefined {
  const text = typeof value === "string" ? value.trim() : "";
  const [, backend, model] = /^([^:/\s]+):(.+)$/s.exec(text) ?? [];
  return backend === undefined || model === undefined ? undefined : { name, at, backend, model };
}

function readFields(name: string, at: Place, fields: Fields): FoundAlias | undefined {
  const alias = {
    name,
    at,
    backend: fields.text("backend") ?? "",
    model: withoutPrefix(fields.text("model", "upstream_model") ?? ""),
    context: fields.number("context", "context_window", "window") || undefined,
    tools: fields.flag("tools"),
    maxTokens: fields.number("max_tokens_cap", "max_tokens", "max_output_tokens") || undefined,
    temperature: fields.number("temperature_cap", "temp_cap"),
  };
  fields.noteRest("is nothing that an alias has here.");
  return alias.backend === "" || alias.model === "" ? undefined : defined(alias);
}

/** `ollama:qwen3:30b` beside a backend means `qwen3:30b`. */
function withoutPrefix(model: string): string {
  return model.replace(/^(?:ollama|mlx|vllm):/, "");
}
