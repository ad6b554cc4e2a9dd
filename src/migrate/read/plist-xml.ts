/** Property lists in XML, with lines; XML as far as property lists use it (Apple's PropertyList-1.0.dtd). Pure. */
import type { Part } from "./document.ts";

/** A property list, or where and why it is none. Nothing that it quotes is from the file. */
export type Parsed = Readonly<
  | { kind: "parsed"; part: Part; repeated: readonly number[] }
  | { kind: "malformed"; line: number; expected: string }
>;

type Cursor = {
  readonly text: string;
  index: number;
  line: number;
  expected?: string;
  readonly repeated: number[];
};
type Tag = Readonly<{ name: string; line: number; closing: boolean; empty: boolean }>;

const deepest = 100;
const tag = /<(\/?)([A-Za-z]+)(?:\s[^<>]*?)?(\/?)>/y;
const space = /\s*/y;
const skipped: readonly (readonly [open: string, close: string])[] = [
  ["<!--", "-->"],
  ["<?", "?>"],
  ["<!DOCTYPE", ">"],
];
const entities: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

/** Parses a property list. Its dates and bytes stay as they are written; total, and linear in its length. */
export function parseXmlPlist(text: string): Parsed {
  const cursor: Cursor = { text, index: 0, line: 1, repeated: [] };
  const open = takeTag(cursor);
  const first = open?.name === "plist" ? takeTag(cursor) : missing(cursor, "`<plist>`");
  const part = first === undefined ? undefined : readElement(cursor, first, 0);
  const close = part === undefined ? undefined : takeTag(cursor);
  if (part !== undefined && close?.closing === true && close.name === "plist")
    return { kind: "parsed", part, repeated: cursor.repeated };
  return { kind: "malformed", line: cursor.line, expected: cursor.expected ?? "`</plist>`" };
}

function missing(cursor: Cursor, expected: string): undefined {
  cursor.expected ??= expected;
}

function readElement(cursor: Cursor, open: Tag, depth: number): Part | undefined {
  const { name, line } = open;
  if (open.closing) return missing(cursor, "a value");
  if (depth > deepest) return missing(cursor, "less nesting");
  if (name === "dict") return readDict(cursor, open, depth);
  if (name === "array") return readArray(cursor, open, depth);
  const text = readText(cursor, open);
  const value = text === undefined ? undefined : valueOf(name, text);
  return value === undefined ? missing(cursor, "a value") : { line, kind: "scalar", value };
}

function valueOf(name: string, text: string): string | number | boolean | undefined {
  if (name === "true" || name === "false") return name === "true";
  if (name === "string") return text;
  if (name === "date" || name === "data") return text.trim();
  const number = Number(text.trim() || "none");
  return (name === "integer" || name === "real") && !Number.isNaN(number) ? number : undefined;
}

function readArray(cursor: Cursor, open: Tag, depth: number): Part | undefined {
  const items: Part[] = [];
  while (!open.empty) {
    const next = takeTag(cursor);
    if (next === undefined) return undefined;
    if (next.closing && next.name === "array") break;
    const item = readElement(cursor, next, depth + 1);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return { line: open.line, kind: "list", items };
}

function readDict(cursor: Cursor, open: Tag, depth: number): Part | undefined {
  const entries = new Map<string, Part>();
  while (!open.empty) {
    const next = takeTag(cursor);
    if (next?.closing === true && next.name === "dict") break;
    if (next === undefined || !readEntry(cursor, next, depth, entries)) return undefined;
  }
  return { line: open.line, kind: "map", entries };
}

function readEntry(cursor: Cursor, key: Tag, depth: number, entries: Map<string, Part>): boolean {
  const name = key.name === "key" && !key.closing ? readText(cursor, key) : undefined;
  if (name === undefined) return missing(cursor, "`<key>` or `</dict>`") ?? false;
  const value = takeTag(cursor);
  const part = value === undefined ? undefined : readElement(cursor, value, depth + 1);
  if (part === undefined) return false;
  if (entries.has(name)) cursor.repeated.push(key.line);
  entries.set(name, part);
  return true;
}

/** What stands up to the closing tag; undefined when another tag comes first. */
function readText(cursor: Cursor, open: Tag): string | undefined {
  let text = "";
  while (!open.empty) {
    const end = cursor.text.indexOf("<", cursor.index);
    if (end === -1) return missing(cursor, "the end of a text");
    text += withEntities(cursor.text.slice(cursor.index, end));
    advance(cursor, end);
    if (cursor.text.startsWith("<![CDATA[", end)) {
      const close = cursor.text.indexOf("]]>", end);
      if (close === -1) return missing(cursor, "the end of a text");
      text += cursor.text.slice(end + 9, close);
      advance(cursor, close + 3);
    } else if (!skipComment(cursor)) {
      const next = takeTag(cursor);
      if (next?.closing === true && next.name === open.name) break;
      return missing(cursor, "the end of a text");
    }
  }
  return text;
}

function withEntities(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([\dA-Fa-f]{1,6})|([a-z]{2,4}));/g,
    (whole, ...found) => {
      const [decimal, hexadecimal, name] = found as (string | undefined)[];
      if (name !== undefined) return entities[name] ?? whole;
      const code = Number(hexadecimal === undefined ? decimal : `0x${hexadecimal}`);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** The next tag, behind white space and comments. */
function takeTag(cursor: Cursor): Tag | undefined {
  do {
    space.lastIndex = cursor.index;
    advance(cursor, cursor.index + (space.exec(cursor.text)?.[0].length ?? 0));
  } while (skipComment(cursor));
  tag.lastIndex = cursor.index;
  const [whole, closing, name, empty] = tag.exec(cursor.text) ?? [];
  if (whole === undefined || name === undefined) return missing(cursor, "a tag");
  const { line } = cursor;
  advance(cursor, cursor.index + whole.length);
  return { name, line, closing: closing === "/", empty: empty === "/" };
}

function skipComment(cursor: Cursor): boolean {
  const found = skipped.find(([open]) => cursor.text.startsWith(open, cursor.index));
  const end = found === undefined ? -1 : cursor.text.indexOf(found[1], cursor.index);
  if (found === undefined || end === -1) return false;
  advance(cursor, end + found[1].length);
  return true;
}

function advance(cursor: Cursor, to: number): void {
  for (; cursor.index < to; cursor.index += 1)
    if (cursor.text[cursor.index] === "\n") cursor.line += 1;
}
