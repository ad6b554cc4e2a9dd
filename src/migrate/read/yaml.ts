/** YAML with lines, as PyYAML reads it (1.1: merge keys, `yes` and `no`), bounded against files that grow when they are read. Pure. */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { Place, Reading } from "../reading.ts";
import { Notes, type Part } from "./document.ts";
import { readText } from "./text.ts";

/** The parser takes seconds for more of the worst kind; real files have some kilobytes. */
const largestCharacters = 256 * 1024;
/** Values in a document, those that aliases repeat included. */
const mostParts = 50_000;
const deepest = 100;

type Reader = {
  readonly lines: LineCounter;
  readonly notes: Notes;
  readonly anchors: Map<string, Node>;
  /** Parts that may still be read. */
  left: number;
  cut: boolean;
};

/** Reads the one document of a YAML file, as far as it can be read: each error and each repeated name is noted. */
export function readYaml(bytes: Buffer, at: Place): Reading<Part | undefined> {
  const { found: text, notUnderstood } = readText(bytes, at);
  const notes = new Notes(at, notUnderstood);
  const found = readDocument(text, notes);
  return { found, notUnderstood: notes.list };
}

function readDocument(text: string, notes: Notes): Part | undefined {
  if (text.length > largestCharacters) {
    notes.add(1, "the file", "is larger than any settings file in YAML: over 256 KiB.");
    return undefined;
  }
  const lines = new LineCounter();
  const document = parse(text, lines);
  if (document === undefined) notes.add(1, "the file", "is nested too deeply to be read.");
  for (const { code, pos } of document?.errors ?? []) {
    const { line, col } = lines.linePos(pos[0]);
    const why = `is not valid YAML at column ${col} (${code.toLowerCase().replaceAll("_", " ")}).`;
    notes.add(line, `line ${line}`, why);
  }
  if (document?.contents === null || document === undefined) return undefined;
  const reader = { lines, notes, anchors: new Map(), left: mostParts, cut: false };
  return readNode(reader, document.contents, 0);
}

/** The parser itself gives up on some files: on those that exhaust its stack, for one. */
function parse(text: string, lineCounter: LineCounter): Document | undefined {
  try {
    return parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: "silent",
      version: "1.1",
    });
  } catch {
    return undefined;
  }
}

function readNode(reader: Reader, node: Node, depth: number): Part | undefined {
  const line = lineOf(reader, node);
  reader.left -= 1;
  if (reader.left < 0 || depth > deepest) return cutOff(reader, line);
  if (isAlias(node)) return readAlias(reader, node, depth);
  if (node.anchor !== undefined) reader.anchors.set(node.anchor, node);
  if (isMap(node)) return readMap(reader, node, depth);
  if (isSeq(node)) {
    const items = node.items.map((item) => readNode(reader, item as Node, depth + 1));
    return { line, kind: "list", items: items.filter((item) => item !== undefined) };
  }
  return { line, kind: "scalar", value: isScalar(node) ? scalarOf(node) : null };
}

function cutOff(reader: Reader, line: number): undefined {
  if (!reader.cut)
    reader.notes.add(line, `line ${line}`, "and more is beyond what settings hold: cut off.");
  reader.cut = true;
}

function readAlias(reader: Reader, node: Alias, depth: number): Part | undefined {
  const meant = reader.anchors.get(node.source);
  if (meant !== undefined) return readNode(reader, meant, depth + 1);
  const line = lineOf(reader, node);
  reader.notes.add(line, `line ${line}`, "refers to an unknown anchor.");
  return undefined;
}

function readMap(reader: Reader, node: YAMLMap, depth: number): Part {
  const entries = new Map<string, Part>();
  const merged = new Map<string, Part>();
  for (const { key, value } of node.items) {
    const name = nameOf(key);
    const part = readNode(reader, (value ?? key) as Node, depth + 1);
    if (part === undefined) continue;
    const line = lineOf(reader, key as Node);
    if (name === undefined) reader.notes.add(line, `line ${line}`, "has a name that is no text.");
    else if (name === "<<") mergeInto(merged, part);
    else {
      if (entries.has(name)) reader.notes.add(line, name, "is given twice: the last value counts.");
      const empty: Part = { line, kind: "scalar", value: null };
      entries.set(name, value === null ? empty : part);
    }
  }
  for (const [name, part] of merged) if (!entries.has(name)) entries.set(name, part);
  return { line: lineOf(reader, node), kind: "map", entries };
}

/** `<<`: what a map takes over from others, the first of them that has a name. */
function mergeInto(merged: Map<string, Part>, part: Part): void {
  for (const from of part.kind === "list" ? part.items : [part]) {
    if (from.kind !== "map") continue;
    for (const [name, each] of from.entries) if (!merged.has(name)) merged.set(name, each);
  }
}

function nameOf(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "symbol" ? "<<" : String(key.value);
}

/** What is neither text nor number, such as a date, stays as it is written. */
function scalarOf({ value, source }: Scalar): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "boolean") return value;
  return typeof value === "string" ? value : (source ?? "");
}

function lineOf({ lines }: Reader, node: Node | null): number {
  return lines.linePos(node?.range?.[0] ?? 0).line;
}
