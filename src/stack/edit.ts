/** Changes stack files as text, so that comments, order and blank lines stay as their owner wrote them. Pure. */
import { type Document, isMap, isScalar, parseDocument, stringify, type YAMLMap } from "yaml";
import { InvalidStackError, StackEditError } from "./errors.ts";
import type { Problem } from "./problem.ts";
import { parseSource } from "./source.ts";
import { keysAt, readStackFile } from "./stack-file.ts";

/** A service's keys as they are to be written. */
export type ServiceText = Readonly<Record<string, unknown>>;

/**
 * Adds a service below the others. Throws {@link StackEditError} when the name is taken or the file is written in a
 * way that cannot be added to, InvalidStackError when the result is not valid.
 */
export function addService(text: string, name: string, spec: ServiceText): string {
  const page = readPage(text);
  if (page.entries.some((entry) => entry.name === name)) {
    throw new StackEditError(
      `There is a service \`${name}\` in the stack file already.`,
      `Choose another name, or take the old one out with \`nexus remove service ${name}\`.`,
    );
  }
  const added = insertEntry(page, renderEntry(page, name, spec));
  return verified(page, joined(page, added), (names) => [...names, name]);
}

/** Takes a service out, with the comments right above it. Throws {@link StackEditError} when there is none of that name. */
export function removeService(text: string, name: string): string {
  const page = readPage(text);
  const entry = page.entries.find((candidate) => candidate.name === name);
  if (!entry) {
    const names = page.entries.map((other) => other.name).join(", ") || "none";
    throw new StackEditError(
      `There is no service \`${name}\` in the stack file.`,
      `It has: ${names}. See which file a service comes from with \`nexus config\`.`,
    );
  }
  return verified(page, joined(page, removeEntry(page, entry)), (names) =>
    names.filter((other) => other !== name),
  );
}

type Entry = Readonly<{ name: string; start: number; end: number }>;

/** A file as lines; `entries` are its services, from the first line of each to the line behind its last. */
type Page = Readonly<{
  text: string;
  lines: readonly string[];
  newline: string;
  /** The line that says `services:`; undefined when none does. */
  heading?: number;
  /** Nothing stands below the heading, or `{}` beside it. */
  empty: boolean;
  entries: readonly Entry[];
  indent: number;
  step: number;
}>;

function readPage(text: string): Page {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text.split(newline);
  const document = parseDocument(text, { merge: true });
  if (document.errors.length > 0) throw new InvalidStackError("nexus.yaml", problemsOf(text));
  const bare = { text, lines, newline, entries: [], indent: 2, step: 2, empty: true };
  const services = pairOf(document, "services");
  if (!services) return bare;
  const heading = lineOf(text, services.start);
  if (!isMap(services.value) || services.value.items.length === 0) return { ...bare, heading };
  if (services.value.flow) {
    throw new StackEditError(
      "The stack file writes its services inside `{ … }`, which cannot be changed without rewriting it.",
      "Write one service a line below `services:`, or make the change by hand and check it with `nexus config`.",
    );
  }
  return { ...bare, heading, empty: false, ...layoutOf(text, lines, services.value) };
}

function layoutOf(
  text: string,
  lines: readonly string[],
  services: YAMLMap,
): Pick<Page, "entries" | "indent" | "step"> {
  const starts = services.items.flatMap(({ key, value }) =>
    isScalar(key)
      ? [{ name: String(key.value), line: lineOf(text, key.range?.[0] ?? 0), value }]
      : [],
  );
  const indent = indentOf(lines[starts[0]?.line ?? 0] ?? "");
  const entries = starts.map(({ name, line }) => ({
    name,
    start: line,
    end: endOfBlock(lines, line, indent),
  }));
  const nested = starts.map(({ value }) =>
    isMap(value) && !value.flow ? firstColumn(text, value) : undefined,
  );
  const step = (nested.find((column) => column !== undefined) ?? indent + 2) - indent;
  return { entries, indent, step: step > 0 ? step : 2 };
}

/** The line behind the last one that belongs to the block: blank lines and comments of the next one do not. */
function endOfBlock(lines: readonly string[], start: number, indent: number): number {
  let end = start + 1;
  for (let line = start + 1; line < lines.length; line += 1) {
    const text = lines[line] ?? "";
    if (text.trim() === "") continue;
    if (indentOf(text) <= indent) break;
    end = line + 1;
  }
  return end;
}

function insertEntry(
  { lines, heading, empty, entries }: Page,
  entry: readonly string[],
): readonly string[] {
  if (heading === undefined) return [...atEnd(lines), "services:", ...entry, ""];
  if (empty) {
    const bare = (lines[heading] ?? "").replace(/:\s*(?:\{\s*\}|~|null)?/, ":").trimEnd();
    return lines.toSpliced(heading, 1, bare, ...entry);
  }
  const at = entries.at(-1)?.end ?? heading + 1;
  const spaced = entries.some(
    ({ start }, index) => index > 0 && isBlank(lines[firstLineOf(lines, start) - 1]),
  );
  return lines.toSpliced(at, 0, ...(spaced ? [""] : []), ...entry);
}

/** The lines without empty ones at the end, and one empty line when there are any. */
function atEnd(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return last === -1 ? [] : [...lines.slice(0, last + 1), ""];
}

function removeEntry(
  { lines, heading = 0, entries }: Page,
  { start, end }: Entry,
): readonly string[] {
  const first = firstLineOf(lines, start);
  if (entries.length === 1) {
    const bare = (lines[heading] ?? "").replace(/:/, ": {}");
    return [
      ...lines.slice(0, heading),
      bare,
      ...lines.slice(heading + 1, first),
      ...lines.slice(end),
    ];
  }
  const isLast = entries.at(-1)?.start === start;
  const blankBefore = isBlank(lines[first - 1]);
  const blankAfter = isBlank(lines[end]);
  if (blankBefore && (isLast || blankAfter)) return lines.toSpliced(first - 1, end - first + 1);
  return lines.toSpliced(first, end - first + (first - 1 === heading && blankAfter ? 1 : 0));
}

/** Comments right above a service, as far in as it is, are about it. */
function firstLineOf(lines: readonly string[], start: number): number {
  const indent = indentOf(lines[start] ?? "");
  let first = start;
  while (/^\s*#/.test(lines[first - 1] ?? "") && indentOf(lines[first - 1] ?? "") === indent)
    first -= 1;
  return first;
}

function renderEntry({ indent, step }: Page, name: string, spec: ServiceText): readonly string[] {
  const text = stringify({ [name]: spec }, { indent: step, lineWidth: 0 });
  return text
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? line : " ".repeat(indent) + line));
}

function joined({ newline }: Page, lines: readonly string[]): string {
  return lines.join(newline);
}

/** The result is valid, has the services it should have, and says the same as before about everything else. */
function verified(
  page: Page,
  text: string,
  expected: (names: readonly string[]) => readonly string[],
): string {
  const problems = problemsOf(text);
  if (problems.length > 0) throw new InvalidStackError("nexus.yaml", problems);
  const names = expected(page.entries.map(({ name }) => name));
  const after = contentOf(text);
  const before = contentOf(page.text);
  const kept = names.filter((name) => Object.hasOwn(before.services, name));
  const same =
    JSON.stringify(Object.keys(after.services)) === JSON.stringify(names) &&
    kept.every(
      (name) => JSON.stringify(before.services[name]) === JSON.stringify(after.services[name]),
    ) &&
    JSON.stringify(before.rest) === JSON.stringify(after.rest);
  if (same) return text;
  throw new StackEditError(
    "The stack file is written in a way that cannot be changed without touching more than the service.",
    "Make the change by hand and check it with `nexus config`.",
  );
}

type Content = Readonly<{ services: Readonly<Record<string, unknown>>; rest: unknown }>;

function contentOf(text: string): Content {
  const content: unknown = parseDocument(text, { merge: true }).toJS();
  const { services = {}, ...rest } = new Object(content) as Record<string, unknown>;
  return { services: Object.fromEntries(Object.entries(services ?? {})), rest };
}

/** What is wrong with the text by itself; variables may stand for anything. */
function problemsOf(text: string): readonly Problem[] {
  const { problems } = readStackFile(
    parseSource({ name: "nexus.yaml", directory: "", text }),
    new Map(),
  );
  return problems;
}

function pairOf(document: Document, key: string): { start: number; value: unknown } | undefined {
  const pair = isMap(document.contents)
    ? document.contents.items.find((item) => isScalar(item.key) && item.key.value === key)
    : undefined;
  return pair && isScalar(pair.key)
    ? { start: pair.key.range?.[0] ?? 0, value: pair.value }
    : undefined;
}

function firstColumn(text: string, map: YAMLMap): number | undefined {
  const [first] = map.items;
  const offset = isScalar(first?.key) ? first.key.range?.[0] : undefined;
  return offset === undefined ? undefined : offset - (text.lastIndexOf("\n", offset - 1) + 1);
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length - 1;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function isBlank(line: string | undefined): boolean {
  return line !== undefined && line.trim() === "";
}
