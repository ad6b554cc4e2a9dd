/** The settings that the ancestor's gateway ran with, each with its place. Pure. */
import { basename, posix, resolve } from "node:path";
import { parseEnvFile } from "../../stack/dotenv.ts";
import { interpolate } from "../../stack/interpolate.ts";
import { isRecord } from "../../stack/record.ts";
import { pairsOf } from "../compose/environment.ts";
import { filled, wordOf } from "../compose/fill.ts";
import { type Definition, placeIn } from "../compose/layers.ts";
import { type Note, noteAt, type NoteKind } from "../compose/note.ts";
import type { ComposeProject, TextOf } from "../compose/read.ts";

/** A setting's value, and where a note on it points to. */
export type Setting = Readonly<{ value: string; note: (kind: NoteKind, message: string) => Note }>;

/** What the old gateway was told. */
export type Settings = ReadonlyMap<string, Setting>;

/** Reads the gateway's `environment` over `.env`, which it had whole; a default that nobody chose is no setting. */
export function settingsOf(
  project: ComposeProject,
  gateway: Definition | undefined,
  textOf: TextOf,
): Settings {
  const all = new Map(fileSettings(project, textOf));
  const place = gateway && placeIn(gateway, ["environment"]);
  for (const [name, raw] of place ? pairsOf(gateway.value["environment"]) : []) {
    const value = chosen(wordOf(raw ?? ""), project);
    if (value === undefined || !place) continue;
    const old = all.get(name);
    const note = (kind: NoteKind, message: string): Note => ({
      ...noteAt(place, kind, message),
      path: `services.${gateway.name}.environment.${name}`,
    });
    all.set(name, { value, note: old?.value === value ? old.note : note });
  }
  return all;
}

function fileSettings(
  { directory, variables }: ComposeProject,
  textOf: TextOf,
): readonly (readonly [string, Setting])[] {
  const { entries } = parseEnvFile(textOf(resolve(directory, ".env")) ?? "", variables);
  return entries.flatMap(({ name, value, line }) =>
    value ? [[name, { value, note: noteIn(".env", line, name) }] as const] : [],
  );
}

/** A note on a line of an env file. */
function noteIn(file: string, line: number, name: string): Setting["note"] {
  return (kind, message) => ({ kind, file, line, path: name, message });
}

/** What a value is, unless it is nothing but the default of a variable that nobody set. */
function chosen(raw: string, { variables }: ComposeProject): string | undefined {
  const { text, unset } = interpolate(raw, variables);
  const isDefault = unset.length > 0 || /^\$\{\w+:?-/.test(raw);
  const [, name = ""] = /^\$\{(\w+)/.exec(raw) ?? [];
  return text === "" || (isDefault && !variables.has(name)) ? undefined : text;
}

/** The file on this machine that the gateway's container had at a path; undefined when it is in no folder that was mounted. */
export function fileBehind(
  path: string,
  { directory, variables }: ComposeProject,
  gateway: Definition | undefined,
): string | undefined {
  const found = mountsOf(gateway, variables).find(
    ([, target]) => target !== "" && posix.dirname(path) === target,
  );
  if (!found || !/^[./~]/.test(found[0])) return undefined;
  return resolve(directory, found[0], basename(path));
}

/** What was mounted in a container, and where; variables filled in. */
export function mountsOf(
  service: Definition | undefined,
  variables: ComposeProject["variables"],
): readonly (readonly [source: string, target: string])[] {
  const mounts: unknown = filled(service?.value["volumes"], variables);
  return (Array.isArray(mounts) ? mounts : []).map(sourceAndTarget);
}

function sourceAndTarget(mount: unknown): readonly [string, string] {
  if (isRecord(mount)) return [wordOf(mount["source"] ?? ""), wordOf(mount["target"] ?? "")];
  const [source = "", target = ""] = String(mount).split(":");
  return [source, target];
}
