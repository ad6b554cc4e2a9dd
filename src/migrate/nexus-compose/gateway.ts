/** What the ancestor's gateway did, as the `gateway` of a stack file and the external services that it asked. Pure. */
import { isRecord } from "../../stack/record.ts";
import { type Definition, placeIn, type Values } from "../compose/layers.ts";
import { type Note, noteAt } from "../compose/note.ts";
import type { ComposeProject, TextOf } from "../compose/read.ts";
import { aliasesOf } from "./aliases.ts";
import { configOf, dataOf, type OldData } from "./old-data.ts";
import { backends, leadOf } from "./backends.ts";
import { listensOf } from "./listens.ts";
import { fileBehind, type Setting, type Settings, settingsOf } from "./settings.ts";
import { type OldKey, tokensOf } from "./tokens.ts";

/** The old gateway in the words of a stack. */
export type OldGateway = Readonly<{
  gateway: Values;
  /** External services by name. */
  externals: ReadonlyMap<string, Values>;
  keys: readonly OldKey[];
  /** What it was told, by the names of its settings. */
  settings: ReadonlyMap<string, string>;
  data?: OldData;
  config?: OldData;
  notes: readonly Note[];
}>;

/** The services that are in the stack, and those that are not. */
export type Around = Readonly<{ kept: ReadonlySet<string>; gone: ReadonlySet<string> }>;

/** Reads the gateway of a project; one without a gateway has settings in `.env` nevertheless. */
export function readGateway(
  project: ComposeProject,
  definition: Definition | undefined,
  { kept, gone, textOf }: Around & Readonly<{ textOf: TextOf }>,
): OldGateway {
  const settings = settingsOf(project, definition, textOf);
  const outside = externalsOf(settings, { kept, gone });
  const services = new Set([...kept, ...outside.externals.keys()]);
  const said = aliasSetting(settings, project, { definition, textOf });
  const { aliases, notes } = said ? aliasesOf(said, services) : { aliases: {}, notes: [] };
  const tokens = tokensOf(settings);
  const listens = listensOf(definition, project.variables);
  const data = dataOf(project, definition);
  const config = configOf(project, definition);
  const named = Object.keys(aliases).length > 0 && { aliases };
  return {
    gateway: { ...listens.gateway, ...named },
    externals: outside.externals,
    keys: tokens.keys,
    settings: new Map([...settings].map(([name, { value }]) => [name, value])),
    ...(data && { data }),
    ...(config && { config }),
    notes: [
      ...listens.notes,
      ...tokens.notes,
      ...outside.notes,
      ...notes,
      ...unusedSettings(definition),
      ...keptData(definition),
    ],
  };
}

/** `MODEL_ALIASES_JSON`, or the file that the gateway had. */
function aliasSetting(
  settings: Settings,
  project: ComposeProject,
  { definition, textOf }: Readonly<{ definition: Definition | undefined; textOf: TextOf }>,
): Setting | undefined {
  const said = settings.get("MODEL_ALIASES_JSON");
  if (said) return said;
  const path = settings.get("MODEL_ALIASES_PATH")?.value;
  const file = fileBehind(
    path ?? "/var/lib/gateway/config/model_aliases.json",
    project,
    definition,
  );
  const value = file === undefined ? undefined : textOf(file);
  if (file === undefined || value === undefined) return undefined;
  const name = file.slice(project.directory.length + 1);
  return {
    value,
    note: (kind, message) => ({ kind, file: name, line: 1, path: "aliases", message }),
  };
}

type Externals = Pick<OldGateway, "externals" | "notes">;

function externalsOf(settings: Settings, { kept, gone }: Around): Externals {
  const externals = new Map<string, Values>();
  const notes: Note[] = [];
  for (const backend of backends.filter(({ service }) => !kept.has(service))) {
    const setting = backend.settings.flatMap((name) => settings.get(name) ?? [])[0];
    const lead = setting && leadOf(backend, setting.value, gone);
    if (!lead || lead.kind === "none") continue;
    if (lead.kind === "itself")
      notes.push(
        setting.note("left-out", "led into the gateway's own container: nobody was there"),
      );
    else {
      externals.set(backend.service, lead.service);
      notes.push(setting.note("changed", `is the external service ${backend.service} now`));
    }
  }
  return { externals, notes };
}

/** Settings that have an equal here. */
const known = new Set(
  "GATEWAY_HOST GATEWAY_PORT GATEWAY_BEARER_TOKEN GATEWAY_BEARER_TOKENS GATEWAY_TOKEN_POLICIES_JSON IP_ALLOWLIST OBSERVABILITY_HOST OBSERVABILITY_PORT METRICS_ENABLED MODEL_ALIASES_JSON MODEL_ALIASES_PATH ETCD_ENABLED ETCD_URL ETCD_PREFIX ETCD_POLL_INTERVAL ETCD_SEED_FROM_ENV".split(
    " ",
  ),
);

function unusedSettings(definition: Definition | undefined): readonly Note[] {
  const place = definition && placeIn(definition, ["environment"]);
  const environment = definition?.value["environment"];
  const names = isRecord(environment)
    ? Object.keys(environment)
    : (Array.isArray(environment) ? environment : []).map((pair) => String(pair).split("=")[0]);
  const asked = new Set(backends.flatMap(({ settings }) => settings));
  const unused = names.filter((name) => name !== undefined && !known.has(name) && !asked.has(name));
  if (!place || unused.length === 0) return [];
  return [noteAt(place, "left-out", `these have no equal in the gateway: ${unused.join(", ")}`)];
}

/** The old gateway's data is nobody's here; it stays where it is, and a copy goes along. */
function keptData(definition: Definition | undefined): readonly Note[] {
  const place = definition && placeIn(definition, ["volumes"]);
  if (!place || definition.value["volumes"] === undefined) return [];
  const message =
    "what the old gateway kept (users, conversations, memory, images) stays where it is, untouched; `nexus migrate --from nexus-compose` takes a copy along: users log in with their passwords, the rest is kept and not used yet";
  return [noteAt(place, "left-out", message)];
}
