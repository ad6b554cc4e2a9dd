/** Makes a stack out of Harbor's settings: what the catalog has too becomes its templates, with the models that are there. Pure. */
import { join, resolve } from "node:path";
import type { Catalog } from "../../catalog/catalog.ts";
import { parseEnvFile } from "../../stack/dotenv.ts";
import type { Variables } from "../../stack/interpolate.ts";
import type { Conversion } from "../compose/convert.ts";
import type { ConvertedService } from "../compose/convert-service.ts";
import type { Values } from "../compose/layers.ts";
import type { Note, NoteKind } from "../compose/note.ts";
import type { TextOf } from "../compose/read.ts";
import { readVariables } from "../compose/variables.ts";
import { knownServices, type KnownService } from "./known.ts";
import { type ConvertedOverride, convertOverride } from "./override.ts";

/** Harbor as it lies on a machine. */
export type Harbor = Readonly<{
  /** Its folder: `~/.harbor`. */
  folder: string;
  /** Where `~` leads. */
  home: string;
  /** The text of its `.env`. */
  text: string;
  /** Whether there is a folder at an absolute path. */
  isFolder: (path: string) => boolean;
  /** The text of another of its files. */
  textOf: TextOf;
}>;

type Setting = Readonly<{ value: string; line: number }>;
type Settings = ReadonlyMap<string, Setting>;
type TakeNote = (kind: NoteKind, name: string, message: string) => void;

/** Converts the services that Harbor starts by default. */
export function convertHarbor(harbor: Harbor, catalog: Catalog): Conversion {
  const variables = readVariables(harbor.text, {});
  const settings = settingsOf(harbor.text);
  const notes: Note[] = [];
  const note: TakeNote = (kind, name, message) => {
    const line = settings.get(name)?.line ?? 1;
    notes.push({ kind, file: join(harbor.folder, ".env"), line, path: name, message });
  };
  const enabled = (settings.get("SERVICES_DEFAULT")?.value ?? "").split(/[;\s]+/).filter(Boolean);
  const services = [...new Set(enabled)].flatMap((name): readonly ConvertedService[] => {
    const known = Object.hasOwn(knownServices, name) ? knownServices[name] : undefined;
    if (!known) {
      const message = `${name} has no ready-made service here: add it with an image, or as an external one`;
      note("left-out", "SERVICES_DEFAULT", message);
      return [];
    }
    return [serviceOf(name, known, { harbor, catalog, variables, settings, note })];
  });
  noteOthers(settings, enabled, note);
  const token = settings.get("HF_TOKEN")?.value ?? "";
  const usesToken = services.some(({ keys }) => keys["secrets"] !== undefined);
  const secret = { path: "./.nexus/secrets/hf_token", text: `${token}\n`, names: ["hf_token"] };
  return {
    name: "harbor",
    stack: {
      name: "harbor",
      services: Object.fromEntries(services.map(({ name, keys }) => [name, keys])),
    },
    services,
    secretFiles: [
      ...(usesToken ? [secret] : []),
      ...services.flatMap(({ secretFile }) => (secretFile ? [secretFile] : [])),
    ],
    volumes: [],
    notes: [...notes, ...services.flatMap((service) => service.notes)],
  };
}

function settingsOf(text: string): Settings {
  const { entries } = parseEnvFile(text, new Map());
  return new Map(
    entries.flatMap(({ name, value, line }) =>
      value !== undefined && value !== "" && name.startsWith("HARBOR_")
        ? [[name.slice("HARBOR_".length), { value, line }] as const]
        : [],
    ),
  );
}

type Around = Readonly<{
  harbor: Harbor;
  catalog: Catalog;
  variables: Variables;
  settings: Settings;
  note: TakeNote;
}>;

function serviceOf(from: string, known: KnownService, around: Around): ConvertedService {
  const { settings, note } = around;
  const name = known.template;
  const published = settings.get(`${from.toUpperCase()}_HOST_PORT`);
  const volumes = known.folders.flatMap((folder) => mountOf(folder, around));
  const { keys: overridden, ...override } = overrideOf(from, known, around);
  const keys: Values = {
    template: known.template,
    ...modelsOf(known, around),
    ...(volumes.length > 0 && { volumes }),
    ...(isPort(published?.value) && { ports: [`127.0.0.1:${published?.value}:${known.port}`] }),
    ...(known.token && settings.has("HF_TOKEN") && { secrets: ["hf_token"] }),
    ...overridden,
  };
  if (published)
    note(
      "changed",
      `${from.toUpperCase()}_HOST_PORT`,
      `${name} is published on 127.0.0.1 only; it was open to the network`,
    );
  return { from, name, keys, template: known.template, secrets: new Map(), ...override };
}

function overrideOf(
  from: string,
  known: KnownService,
  { harbor, catalog, variables }: Around,
): ConvertedOverride {
  const file = join(harbor.folder, "services", from, "override.env");
  const template = catalog.find(({ id }) => id === known.template);
  const text = harbor.textOf(file) ?? "";
  return convertOverride({ file, text }, { known, template, variables });
}

function isPort(text: string | undefined): boolean {
  return /^\d{1,5}$/.test(text ?? "") && Number(text) >= 1 && Number(text) <= 65_535;
}

/** The name of a model on Hugging Face, with a quantisation or without. */
const modelName = /^[\w.-]+\/[\w.-]+(?::[\w.-]+)?$/;

function modelsOf({ model, template }: KnownService, { settings, note }: Around): Values {
  const value = model === undefined ? undefined : settings.get(model)?.value;
  if (model === undefined || value === undefined) return {};
  if (modelName.test(value)) return { models: [value] };
  note("decide", model, `is no name of a model: ${template} begins with its own; write \`models\``);
  return {};
}

/** A folder that is there; Nexus mounts no other. */
function mountOf(
  { setting, own, target }: KnownService["folders"][number],
  { harbor, settings, note }: Around,
): readonly string[] {
  const said = setting === undefined ? own : settings.get(setting)?.value;
  if (said === undefined) return [];
  const path = resolve(harbor.folder, said.replace(/^(?:~|\$\{?HOME\}?)(?=\/|$)/, harbor.home));
  if (harbor.isFolder(path)) return [`${path}:${target}`];
  const message = `there is no folder ${path}: the service begins with a volume of its own`;
  note("changed", setting ?? "SERVICES_DEFAULT", message);
  return [];
}

/** Keys and commands of services that came along have no place here; what was set for others stays there. */
function noteOthers(settings: Settings, enabled: readonly string[], note: TakeNote): void {
  const prefixes = enabled.map((name) => `${name.toUpperCase()}_`);
  const taken = Object.values(knownServices).flatMap(({ model, folders }) => [
    model,
    ...folders.map(({ setting }) => setting),
  ]);
  for (const name of settings.keys()) {
    const isUsed = taken.includes(name) || name.endsWith("_HOST_PORT");
    if (isUsed || !prefixes.some((prefix) => name.startsWith(prefix))) continue;
    note("left-out", name, "is not taken over: see `nexus catalog` for the template's own options");
  }
  if (settings.has("OPENAI_KEY") || settings.has("OPENAI_KEYS"))
    note("left-out", "OPENAI_KEYS", "keys of other providers stay where they are");
}
