/** Backends of the old gateway: `backends_config.yaml` inside of its code, which operators edited. Pure. */
import type { Found, Place, Reading } from "../reading.ts";
import { convertDocument, type Notes, type Part } from "./document.ts";
import { defined, Fields } from "./fields.ts";
import { readYaml } from "./yaml.ts";

/** A backend of the old gateway. */
export type FoundBackend = Readonly<{
  /** Its class: the name that aliases and settings use. */
  name: string;
  at: Place;
  provider: string;
  /** As written, `${VLLM_BASE_URL}` included: the gateway's settings fill it in. Undefined for none. */
  url?: string;
  description?: string;
  /** `chat`, `embeddings`, `images`, … */
  capabilities: readonly string[];
  /** Requests at a time by capability. */
  limits: Readonly<Record<string, number>>;
  liveness: string;
  readiness: string;
  /** How large and in which form requests and answers may be; nothing enforced it. */
  payload: Readonly<Record<string, Found<string | number | boolean>>>;
}>;

/** Every backend with the other names that it has. */
export type FoundBackends = Readonly<{
  backends: readonly FoundBackend[];
  /** Backend by the name that older settings used: `vllm` for `local_vllm`. */
  otherNames: ReadonlyMap<string, string>;
}>;

const unread = "is nothing that the old gateway read.";

/** Reads the backends of a file: one that is broken does not lose the others. */
export function readBackends(bytes: Buffer, at: Place): Reading<FoundBackends> {
  return convertDocument(readYaml(bytes, at), at, (root, notes) => {
    const fields = new Fields(root, "file", notes);
    const backends = [...(fields.map("backends") ?? [])].flatMap(([name, part]) => {
      if (part.kind === "map") return [readBackend(name, part, notes)];
      notes.add(part.line, `backends.${name}`, "is no map: it is no backend.");
      return [];
    });
    const names = fields.map("legacy_mapping") ?? new Map<string, Part>();
    const otherNames = scalarsOf(names, "legacy_mapping", notes, "string");
    fields.noteRest(unread);
    return { backends, otherNames: new Map(otherNames.map(([name, { value }]) => [name, value])) };
  });
}

function readBackend(key: string, part: Part & { kind: "map" }, notes: Notes): FoundBackend {
  const what = `backends.${key}`;
  const fields = new Fields(part.entries, what, notes);
  const inner = (name: string): ReadonlyMap<string, Part> => fields.map(name) ?? new Map();
  const health = new Fields(inner("health"), `${what}.health`, notes);
  const name = fields.text("class") ?? key;
  const limits = scalarsOf(inner("concurrency_limits"), `${what}.limits`, notes, "number");
  const backend = {
    name,
    at: notes.place(part.line),
    provider: fields.text("provider") ?? name,
    url: fields.text("base_url"),
    description: fields.text("description"),
    capabilities: fields.texts("supported_capabilities") ?? [],
    limits: Object.fromEntries(limits.map(([kind, { value }]) => [kind, value])),
    liveness: health.text("liveness") ?? "/healthz",
    readiness: health.text("readiness") ?? "/readyz",
    payload: Object.fromEntries(
      scalarsOf(inner("payload_policy"), `${what}.payload`, notes, "string", "number", "boolean"),
    ),
  };
  for (const each of [health, fields]) each.noteRest(unread);
  return defined(backend);
}

type Kinds = { string: string; number: number; boolean: boolean };

/** The values of these kinds; others are noted. */
function scalarsOf<Kind extends keyof Kinds>(
  entries: ReadonlyMap<string, Part>,
  what: string,
  notes: Notes,
  ...kinds: readonly Kind[]
): readonly (readonly [string, Found<Kinds[Kind]>])[] {
  return [...entries].flatMap(([name, part]) => {
    const value = part.kind === "scalar" ? part.value : null;
    if (kinds.some((kind) => typeof value === kind))
      return [[name, { value: value as Kinds[Kind], at: notes.place(part.line) }] as const];
    notes.add(part.line, `${what}.${name}`, `is no ${kinds.join(" or ")}: it is not used.`);
    return [];
  });
}
