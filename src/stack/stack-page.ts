/** How a stack file's services lie on its lines. Pure. */
import { type Document, isMap, isNode, isScalar, parseDocument, type YAMLMap } from "yaml";
import { InvalidStackError, StackEditError } from "./errors.ts";
import { parseSource, syntaxProblems } from "./source.ts";

/** The lines of one service. */
export type Entry = Readonly<{ name: string; start: number; end: number }>;

/** A file as lines; `entries` are its services, from the first line of each to the line behind its last. */
export type Page = Readonly<{
  text: string;
  lines: readonly string[];
  newline: string;
  /** The line that says `services:`; undefined when none does. */
  heading?: number;
  /** There are no services; the lines are without what said so, such as `{}`, beside the heading or below it. */
  empty: boolean;
  entries: readonly Entry[];
  indent: number;
  step: number;
}>;

/** Reads the layout. Throws {@link InvalidStackError} for what is no YAML, {@link StackEditError} for services in braces. */
export function readPage(text: string): Page {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text.split(newline);
  const document = parseDocument(text, { merge: true });
  if (document.errors.length > 0) {
    const problems = syntaxProblems(parseSource({ name: "nexus.yaml", directory: "", text }));
    throw new InvalidStackError("nexus.yaml", problems);
  }
  const bare = { text, lines, newline, entries: [], indent: 2, step: 2, empty: true };
  const services = pairOf(document, "services");
  if (!services) return bare;
  const heading = lineOf(text, services.start);
  if (!isMap(services.value) || services.value.items.length === 0) {
    return { ...bare, heading, lines: withoutValue(text, services.value).split(newline) };
  }
  if (services.value.flow) {
    throw new StackEditError(
      "The stack file writes its services inside `{ … }`, which cannot be changed without rewriting it.",
      "Write one service a line below `services:`, or make the change by hand and check it with `nexus config`.",
    );
  }
  return { ...bare, heading, empty: false, ...layoutOf(text, lines, services.value) };
}

/** The text without an empty value such as `{}`, and without the line that had nothing else on it. */
function withoutValue(text: string, value: unknown): string {
  const [start, end] = isNode(value) && value.range ? value.range : [0, 0];
  if (text.slice(start, end).includes("#")) {
    throw new StackEditError(
      "The stack file has a comment inside the braces below `services:`, which would be lost.",
      "Take the braces away and leave the comment, then try again.",
    );
  }
  const before = text.slice(0, start).replace(/[ \t]+$/, "");
  const after = text.slice(end);
  const alone = start < end && before.endsWith("\n") && /^[ \t]*(?:\r?\n|$)/.test(after);
  return alone ? before + after.replace(/^[ \t]*\r?\n/, "") : before + after;
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
    if (indentOf(text) > indent) end = line + 1;
    else if (!text.trimStart().startsWith("#")) break;
  }
  return end;
}

/** Comments right above a service, as far in as it is, are about it. */
export function firstLineOf(lines: readonly string[], start: number): number {
  const indent = indentOf(lines[start] ?? "");
  let first = start;
  while (/^\s*#/.test(lines[first - 1] ?? "") && indentOf(lines[first - 1] ?? "") === indent)
    first -= 1;
  return first;
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

/** Whether there is a line, with nothing on it. */
export function isBlank(line: string | undefined): boolean {
  return line !== undefined && line.trim() === "";
}
