/** Services of systemd: a unit with its drop-ins (systemd.service(5), systemd.exec(5)). Pure. */
import type { Found, Place, Reading } from "../reading.ts";
import { Notes } from "./document.ts";
import { defined } from "./fields.ts";
import { readText } from "./text.ts";
import { readUnitLines, splitWords, type UnitLine } from "./unit-text.ts";

/** A service as systemd runs it. Specifiers such as `%i`, and `${NAME}` in commands, stay as they are. */
export type SystemdUnit = Readonly<{
  /** Of the unit, not of a drop-in. */
  at: Place;
  description?: string;
  user?: string;
  group?: string;
  directory?: string;
  /** The first command of `ExecStart`, without the prefixes `-@:+!`. */
  argv: readonly string[];
  /** Every command of `ExecStart`. */
  commands: readonly (readonly string[])[];
  environment: ReadonlyMap<string, Found<string>>;
  /** `optional` for those that may be missing. */
  environmentFiles: readonly Found<Readonly<{ path: string; optional: boolean }>>[];
  /** Every other setting by section and name: `Service.Restart`. What is said several times is several. */
  others: ReadonlyMap<string, readonly Found<string>[]>;
}>;

type Setting = UnitLine & { kind: "setting" } & Readonly<{ at: Place; notes: Notes }>;

const taken = new Set([
  "Unit.Description",
  "Service.User",
  "Service.Group",
  "Service.WorkingDirectory",
  "Service.ExecStart",
  "Service.Environment",
  "Service.EnvironmentFile",
]);

/** Reads a unit and its drop-ins, in the order in which systemd reads them: the last word counts, and an empty value takes back what was said before. */
export function readUnit(
  files: readonly Readonly<{ bytes: Buffer; at: Place }>[],
): Reading<SystemdUnit | undefined> {
  const notes = files.map(({ bytes, at }) => ({ ...readText(bytes, at), at })).map(toNotes);
  const settings = notes.flatMap(({ text, notes: list }) => settingsOf(text, list));
  const [first] = files;
  const found =
    first === undefined || settings.length === 0 ? undefined : unitOf(first.at, settings);
  return { found, notUnderstood: notes.flatMap(({ notes: { list } }) => list) };
}

function toNotes({ found, notUnderstood, at }: Reading<string> & { at: Place }) {
  return { text: found, notes: new Notes(at, notUnderstood) };
}

function settingsOf(text: string, notes: Notes): Setting[] {
  return readUnitLines(text).flatMap((line) => {
    if (line.kind === "setting") return [{ ...line, at: notes.place(line.line), notes }];
    notes.add(line.line, `line ${line.line}`, line.why);
    return [];
  });
}

function unitOf(at: Place, settings: readonly Setting[]): SystemdUnit {
  const groups = Map.groupBy(settings, ({ section, name }) => `${section}.${name}`);
  const values = (key: string): readonly Setting[] => current(groups.get(key) ?? []);
  const last = (key: string): string | undefined => values(key).at(-1)?.value;
  const commands = values("Service.ExecStart").flatMap(commandsOf);
  const others = [...groups].filter(([key]) => !taken.has(key));
  return defined({
    at,
    description: last("Unit.Description"),
    user: last("Service.User"),
    group: last("Service.Group"),
    directory: last("Service.WorkingDirectory"),
    argv: commands[0] ?? [],
    commands,
    environment: environmentOf(values("Service.Environment")),
    environmentFiles: values("Service.EnvironmentFile").map(fileOf),
    others: new Map(others.map(([key, said]) => [key, current(said).map(found)])),
  });
}

const found = ({ value, at }: Setting): Found<string> => ({ value, at });

function fileOf({ value, at }: Setting): SystemdUnit["environmentFiles"][number] {
  return { value: { path: value.replace(/^-/, ""), optional: value.startsWith("-") }, at };
}

/** All that was said since it was last taken back. */
function current(said: readonly Setting[]): readonly Setting[] {
  return said.slice(said.findLastIndex(({ value }) => value === "") + 1);
}

function wordsOf({ value, line, name, notes }: Setting): readonly string[] {
  const words = splitWords(value);
  if (words === undefined)
    notes.add(line, name, "has a quote that stays open: systemd ignored it.");
  return words ?? [];
}

/** `;` by itself separates commands; after the prefix `@` the second word is only a name. */
function commandsOf(setting: Setting): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (const word of wordsOf(setting))
    if (word === ";") commands.push([]);
    else commands.at(-1)?.push(word);
  return commands.flatMap(([program, ...words]) => {
    const [, prefix = "", path = ""] = /^([-@:+!|]*)(.*)$/s.exec(program ?? "") ?? [];
    return path === "" ? [] : [[path, ...(prefix.includes("@") ? words.slice(1) : words)]];
  });
}

function environmentOf(settings: readonly Setting[]): ReadonlyMap<string, Found<string>> {
  const environment = new Map<string, Found<string>>();
  const why = "has a word that is not `NAME=value`: systemd ignored it.";
  for (const setting of settings)
    for (const word of wordsOf(setting)) {
      const [, name, value = ""] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
      if (name === undefined) setting.notes.add(setting.line, setting.name, why);
      else environment.set(name, { value, at: setting.at });
    }
  return environment;
}
