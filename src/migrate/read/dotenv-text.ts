/** The grammar of `.env` files as python-dotenv 1.2 reads them (its parser.py): what the old gateway started with. Pure. */

/** An assignment, or with no name something that is none; why what it says is not all used. */
export type Assignment = Readonly<{
  /** Where it starts, from 1. */
  line: number;
  name: string | undefined;
  value: string;
  notes: readonly string[];
}>;

const space = /[^\S\r\n]/;
const newline = /\r\n|\n|\r/g;
const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
const whyNot = "is not `NAME=value`, or its quotes do not close: the old gateway skipped it.";
const whyEmpty = "has no `=`: the old gateway took it for not set.";

/** Every statement of the text that is neither blank nor a comment, in order. Linear in its length. */
export function readDotenv(text: string): readonly Assignment[] {
  const assignments: Assignment[] = [];
  let index = 0;
  let line = 1;
  while (index < text.length) {
    const start = firstAfter(text, index, /\S/g);
    line += newlines(text.slice(index, start));
    if (start === text.length) break;
    const { end, ...statement } = readStatement(text, start);
    if (statement.name !== undefined || statement.notes.length > 0)
      assignments.push({ line, ...statement });
    line += newlines(text.slice(start, end));
    index = end;
  }
  return assignments;
}

type Statement = Omit<Assignment, "line"> & Readonly<{ end: number }>;

function readStatement(text: string, start: number): Statement {
  const key = readKey(text, start);
  const sign = skipSpace(text, key.end);
  const refused = (from: number, why = whyNot): Statement => ({
    name: undefined,
    value: "",
    notes: [why],
    end: lineEnd(text, from),
  });
  if (!key.ok) return refused(key.end);
  if (text[sign] !== "=") {
    const after = skipComment(text, sign);
    if (!isLineEnd(text, after)) return refused(after);
    return key.name === undefined
      ? { name: undefined, value: "", notes: [], end: after }
      : refused(after, whyEmpty);
  }
  const value = readValue(text, sign + 1);
  const after = value === undefined ? sign : skipComment(text, value.end);
  if (value === undefined || !isLineEnd(text, after)) return refused(after);
  return { name: key.name ?? "", value: value.value, notes: [], end: after };
}

type Key = Readonly<{ ok: boolean; name?: string; end: number }>;

/** A name, with or without `export` and single quotes; none in front of a comment. */
function readKey(text: string, from: number): Key {
  const start =
    text.startsWith("export", from) && space.test(text.charAt(from + 6))
      ? skipSpace(text, from + 6)
      : from;
  if (text[start] === "#") return { ok: true, end: start };
  if (text[start] === "'") {
    const close = text.indexOf("'", start + 1);
    if (close <= start + 1) return { ok: false, end: start };
    return { ok: true, name: text.slice(start + 1, close), end: close + 1 };
  }
  const end = firstAfter(text, start, /[=#\s]/g);
  return end === start ? { ok: false, end } : { ok: true, name: text.slice(start, end), end };
}

function readValue(text: string, from: number): { value: string; end: number } | undefined {
  const start = skipSpace(text, from);
  const quote = text.charAt(start);
  if (quote !== "'" && quote !== '"') return readBare(text, start, start > from);
  const close = closingQuote(text, start, quote);
  if (close === -1) return undefined;
  const escaped = quote === '"' ? /\\([\\'"abfnrtv])/g : /\\([\\'])/g;
  const value = text
    .slice(start + 1, close)
    .replaceAll(escaped, (_, letter: string) => escapes[letter] ?? letter);
  return { value, end: close + 1 };
}

/** Up to the end of the line, or to a `#` behind white space. */
function readBare(text: string, start: number, spaced: boolean): { value: string; end: number } {
  const end = lineEnd(text, start);
  const line = text.slice(start, end);
  if (spaced && line.startsWith("#")) return { value: "", end };
  let comment = line.indexOf("#");
  while (comment > 0 && !/\s/.test(line.charAt(comment - 1)))
    comment = line.indexOf("#", comment + 1);
  return { value: (comment > 0 ? line.slice(0, comment) : line).trimEnd(), end };
}

/** The first quote that no backslash escapes; -1 where there is none. */
function closingQuote(text: string, open: number, quote: string): number {
  const stop = quote === '"' ? /["\\]/g : /['\\]/g;
  let index = firstAfter(text, open + 1, stop);
  while (text[index] === "\\") index = firstAfter(text, index + 2, stop);
  return index < text.length ? index : -1;
}

function firstAfter(text: string, from: number, pattern: RegExp): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

const lineEnd = (text: string, from: number): number => firstAfter(text, from, /[\r\n]/g);
const skipSpace = (text: string, from: number): number => firstAfter(text, from, /\S|[\r\n]/g);
const isLineEnd = (text: string, at: number): boolean => /^[\r\n]?$/.test(text.charAt(at));

function skipComment(text: string, from: number): number {
  const start = skipSpace(text, from);
  return text[start] === "#" ? lineEnd(text, start) : start;
}

function newlines(text: string): number {
  return text.match(newline)?.length ?? 0;
}
