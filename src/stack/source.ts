/** One YAML file: its text, what it says, and where it says it. Pure. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from "yaml";
import { formatPath, type Path, type Place, type Problem } from "./problem.ts";

/** A parsed file. `name` is how messages call it, `directory` what its relative paths are meant against. */
export type Source = Readonly<{
  name: string;
  directory: string;
  text: string;
  document: Document;
  lines: LineCounter;
}>;

/** Parses YAML 1.2 with anchors and merge keys; what is wrong with it is in {@link syntaxProblems}. */
export function parseSource(
  file: Readonly<{ name: string; directory: string; text: string }>,
): Source {
  const lines = new LineCounter();
  const text = file.text.replace(/^\uFEFF/, "");
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    uniqueKeys: true,
  });
  return { ...file, text, document, lines };
}

/** Every error of the YAML itself, doubled keys included. */
export function syntaxProblems(source: Source): readonly Problem[] {
  const { errors, warnings } = source.document;
  const problems = [...errors, ...warnings].map(({ pos, code, message }) => {
    const said =
      code === "DUPLICATE_KEY" ? "this key is there twice" : `is not valid YAML: ${message}`;
    return problemAt(source, pos[0], "", said);
  });
  return problems.length > 0 || !source.document.contents || isMap(source.document.contents)
    ? problems
    : [problemAt(source, 0, "", "must be a map, starting with `services:`")];
}

/** A problem with what stands at `path`, or with the nearest thing above it that is there. */
export function problemIn(
  source: Source,
  path: Path,
  message: string,
  options: Readonly<{ suggestion?: string | undefined; atKey?: boolean }> = {},
): Problem {
  const { suggestion, atKey = false } = options;
  const problem = problemAt(source, offsetOf(source, path, atKey), formatPath(path), message);
  return suggestion === undefined ? problem : { ...problem, suggestion };
}

/** Where the value at `path` stands, or the nearest thing above it. */
export function placeOf(source: Source, path: Path): Place {
  const { line, col } = source.lines.linePos(offsetOf(source, path, true));
  return { file: source.name, line, column: col };
}

/** A problem at a character of the file. */
function problemAt(source: Source, offset: number, path: string, message: string): Problem {
  const { line, col } = source.lines.linePos(Math.min(offset, source.text.length));
  const excerpt = source.text.split("\n")[line - 1]?.replace(/\r$/, "");
  const place = { file: source.name, line, column: col };
  return { ...place, path, message, ...(excerpt === undefined ? {} : { excerpt }) };
}

/** Where what stands at `path` begins, or the nearest thing above it: the key, or the value. */
export function offsetOf(source: Source, path: Path, atKey: boolean): number {
  let node: unknown = source.document.contents;
  let offset = 0;
  for (const [index, step] of path.entries()) {
    const found = stepInto(resolved(source, node), step, source);
    if (!found) break;
    const last = index === path.length - 1;
    offset =
      startOf(
        isPair(found) && (atKey || !last || !hasRange(found.value)) ? found.key : valueOf(found),
      ) ?? offset;
    node = valueOf(found);
  }
  return offset;
}

/** One step: into a map, a list, or a list of `NAME=value` by its name. */
function stepInto(node: unknown, step: string | number, source: Source): Pair | Node | undefined {
  if (isMap(node)) return pairOf(node, String(step), source);
  if (!isSeq(node)) return undefined;
  const items = node.items.filter((item): item is Node => isNode(item));
  if (typeof step === "number") return items[step];
  return items.find((item) => isScalar(item) && isNamed(String(item.value), step));
}

function isNamed(item: string, name: string): boolean {
  return item.startsWith(name) && /^(?:[=:]|$)/.test(item.slice(name.length));
}

function pairOf(map: YAMLMap, key: string, source: Source): Pair | undefined {
  const own = map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
  if (own) return own;
  const merges = map.items.filter((pair) => isScalar(pair.key) && pair.key.source === "<<");
  for (const merge of merges) {
    const value = resolved(source, merge.value);
    for (const part of isSeq(value) ? value.items : [value]) {
      const target = resolved(source, part);
      const found = isMap(target) ? pairOf(target, key, source) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}

function resolved(source: Source, node: unknown): unknown {
  return isAlias(node) ? node.resolve(source.document) : node;
}

function valueOf(found: Pair | Node): unknown {
  return isPair(found) ? found.value : found;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function hasRange(node: unknown): boolean {
  return (
    isNode(node) && node.range !== undefined && node.range !== null && node.range[1] > node.range[0]
  );
}
