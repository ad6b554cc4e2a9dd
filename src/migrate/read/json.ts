/** JSON with lines: accepts exactly what `JSON.parse` does, and says where it is wrong without quoting a word of it. Pure. */
import type { NotUnderstood, Place, Reading } from "../reading.ts";
import type { Part } from "./document.ts";
import { lineAt, readText } from "./text.ts";

const deepest = 200;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const words = /true|false|null/y;
const plainCharacters = /[^"\\\n\r\t]*/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const spaces = /[ \t\r]*/y;

type Cursor = {
  readonly text: string;
  index: number;
  line: number;
  lineStart: number;
  /** What should have come where it stopped. */
  expected?: string;
  readonly repeated: number[];
};

/** Reads a JSON file. Undefined when it is none; a name that a map has twice is noted, and its last value counts. */
export function readJson(bytes: Buffer, at: Place): Reading<Part | undefined> {
  const { found: text, notUnderstood } = readText(bytes, at);
  const cursor: Cursor = { text, index: 0, line: 1, lineStart: 0, repeated: [] };
  const found = readWhole(cursor);
  const repeats = cursor.repeated.map((line) => ({
    at: lineAt(at, line),
    what: `line ${line}`,
    why: "gives a name a second time: the last value counts.",
  }));
  const wrong = found === undefined ? [invalid(cursor, at)] : repeats;
  return { found, notUnderstood: [...notUnderstood, ...wrong] };
}

function invalid({ index, line, lineStart, expected = "" }: Cursor, at: Place): NotUnderstood {
  const where = `line ${line}, column ${index - lineStart + 1}`;
  const why = `is not valid JSON: at ${where}, ${expected} should be.`;
  return { at: lineAt(at, line), what: at.line === undefined ? "the file" : "the value", why };
}

function readWhole(cursor: Cursor): Part | undefined {
  const part = readPart(cursor, 0);
  skipSpace(cursor);
  if (part === undefined || cursor.index === cursor.text.length) return part;
  return missing(cursor, "the end of the file");
}

function missing(cursor: Cursor, expected: string): undefined {
  cursor.expected ??= expected;
}

function readPart(cursor: Cursor, depth: number): Part | undefined {
  skipSpace(cursor);
  const { line } = cursor;
  const first = cursor.text.charAt(cursor.index);
  if (depth > deepest) return missing(cursor, "less nesting");
  if (first === "{") return readMap(cursor, depth);
  if (first === "[") return readList(cursor, depth);
  const value = first === '"' ? readString(cursor) : readBare(cursor);
  return value === undefined ? undefined : { line, kind: "scalar", value };
}

function readBare(cursor: Cursor): number | boolean | null | undefined {
  const bare = take(cursor, number) || take(cursor, words);
  if (bare === "") return missing(cursor, "a value");
  return JSON.parse(bare) as number | boolean | null;
}

function readString(cursor: Cursor): string | undefined {
  const start = cursor.index;
  cursor.index += 1;
  do take(cursor, plainCharacters);
  while (take(cursor, escape) !== "");
  if (!skip(cursor, '"')) return missing(cursor, "the end of a text in quotes");
  try {
    return JSON.parse(cursor.text.slice(start, cursor.index)) as string;
  } catch {
    return missing(cursor, "a text without control characters before this");
  }
}

function readList(cursor: Cursor, depth: number): Part | undefined {
  const { line } = cursor;
  const items: Part[] = [];
  const done = readItems(cursor, "]", () => {
    const item = readPart(cursor, depth + 1);
    if (item !== undefined) items.push(item);
    return item !== undefined;
  });
  return done ? { line, kind: "list", items } : undefined;
}

function readMap(cursor: Cursor, depth: number): Part | undefined {
  const { line } = cursor;
  const entries = new Map<string, Part>();
  const done = readItems(cursor, "}", () => readEntry(cursor, depth, entries));
  return done ? { line, kind: "map", entries } : undefined;
}

function readEntry(cursor: Cursor, depth: number, entries: Map<string, Part>): boolean {
  const { line } = cursor;
  const quoted = cursor.text.charAt(cursor.index) === '"';
  const name = quoted ? readString(cursor) : missing(cursor, "a name in quotes");
  if (name === undefined) return false;
  skipSpace(cursor);
  if (!skip(cursor, ":")) return missing(cursor, "`:`") ?? false;
  const part = readPart(cursor, depth + 1);
  if (part === undefined) return false;
  if (entries.has(name)) cursor.repeated.push(line);
  entries.set(name, part);
  return true;
}

/** What stands between brackets, with commas between. */
function readItems(cursor: Cursor, close: "]" | "}", readItem: () => boolean): boolean {
  cursor.index += 1;
  skipSpace(cursor);
  if (skip(cursor, close)) return true;
  do {
    skipSpace(cursor);
    if (!readItem()) return false;
    skipSpace(cursor);
  } while (skip(cursor, ","));
  return skip(cursor, close) || (missing(cursor, `\`,\` or \`${close}\``) ?? false);
}

function take(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.index;
  const taken = pattern.exec(cursor.text)?.[0] ?? "";
  cursor.index += taken.length;
  return taken;
}

function skip(cursor: Cursor, character: string): boolean {
  const there = cursor.text.startsWith(character, cursor.index);
  if (there) cursor.index += 1;
  return there;
}

function skipSpace(cursor: Cursor): void {
  take(cursor, spaces);
  while (skip(cursor, "\n")) {
    cursor.line += 1;
    cursor.lineStart = cursor.index;
    take(cursor, spaces);
  }
}
