/** Jobs of launchd: `/Library/LaunchDaemons/<label>.plist`, XML or binary (launchd.plist(5)). Pure. */
import type { Found, Place, Reading } from "../reading.ts";
import { convertDocument, type Notes, type Part } from "./document.ts";
import { defined, Fields } from "./fields.ts";
import { isBinaryPlist, parseBinaryPlist } from "./plist-binary.ts";
import { parseXmlPlist } from "./plist-xml.ts";
import { readText } from "./text.ts";

/** A service as launchd runs it. */
export type LaunchdJob = Readonly<{
  at: Place;
  label: string;
  user?: string;
  directory?: string;
  argv: readonly string[];
  runAtLoad: boolean;
  keepAlive: boolean;
  environment: ReadonlyMap<string, Found<string>>;
  /** Files that it writes its output and its errors to. */
  output?: string;
  errors?: string;
}>;

/** Reads a job; undefined when the file is none. What it says beyond the fields of a job is noted. */
export function readPlist(bytes: Buffer, at: Place): Reading<LaunchdJob | undefined> {
  const { found, notUnderstood } = readDocument(bytes, at);
  if (found === undefined) return { found, notUnderstood };
  return convertDocument({ found, notUnderstood }, at, readJob);
}

function readDocument(bytes: Buffer, at: Place): Reading<Part | undefined> {
  const note = (why: string, line?: number) => ({
    at: line === undefined ? at : { ...at, line },
    what: line === undefined ? "the file" : `line ${line}`,
    why,
  });
  if (isBinaryPlist(bytes)) {
    const found = parseBinaryPlist(bytes);
    const why = "is no binary property list that can be read.";
    return { found, notUnderstood: found === undefined ? [note(why)] : [] };
  }
  const { found: text, notUnderstood } = readText(bytes, at);
  const parsed = parseXmlPlist(text);
  if (parsed.kind === "malformed") {
    const why = `is no property list: ${parsed.expected} should be here.`;
    return { found: undefined, notUnderstood: [...notUnderstood, note(why, parsed.line)] };
  }
  const why = "gives a name a second time: the last value counts.";
  const repeats = parsed.repeated.map((line) => note(why, line));
  return { found: parsed.part, notUnderstood: [...notUnderstood, ...repeats] };
}

function readJob(root: ReadonlyMap<string, Part>, notes: Notes): LaunchdJob | undefined {
  const fields = new Fields(root, "job", notes);
  const label = fields.text("Label");
  const job = {
    at: notes.place(0),
    label: label ?? "",
    user: fields.text("UserName"),
    directory: fields.text("WorkingDirectory"),
    argv: argvOf(fields, notes),
    runAtLoad: fields.flag("RunAtLoad") ?? false,
    keepAlive: keptAlive(root, fields),
    environment: environmentOf(fields.map("EnvironmentVariables") ?? new Map(), notes),
    output: fields.text("StandardOutPath"),
    errors: fields.text("StandardErrorPath"),
  };
  fields.noteRest("is a setting of launchd that means nothing here.");
  if (label !== undefined) return defined(job);
  notes.add(0, "Label", "is not there: launchd does not load such a file.");
  return undefined;
}

/** A map of conditions keeps it alive as well; that they are conditions is noted. */
function keptAlive(root: ReadonlyMap<string, Part>, fields: Fields): boolean {
  return fields.flag("KeepAlive") ?? root.get("KeepAlive")?.kind === "map";
}

function argvOf(fields: Fields, notes: Notes): readonly string[] {
  const program = fields.text("Program");
  const given = [...textsOf(fields.list("ProgramArguments") ?? [], notes)];
  return program === undefined ? given : [program, ...given.slice(1)];
}

function* textsOf(items: readonly Part[], notes: Notes): Generator<string> {
  for (const [index, item] of items.entries())
    if (item.kind === "scalar") yield String(item.value);
    else notes.add(item.line, `ProgramArguments[${index}]`, "is no text: it is left out.");
}

function environmentOf(
  entries: ReadonlyMap<string, Part>,
  notes: Notes,
): ReadonlyMap<string, Found<string>> {
  const environment = new Map<string, Found<string>>();
  for (const [name, part] of entries)
    if (part.kind === "scalar")
      environment.set(name, { value: String(part.value), at: notes.place(part.line) });
    else notes.add(part.line, `EnvironmentVariables.${name}`, "is no text: it is left out.");
  return environment;
}
