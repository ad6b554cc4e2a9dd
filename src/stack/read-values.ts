/** Turns a parsed file into plain values, with its variables filled in. Pure. */
import { isAlias, isMap, isScalar, isSeq, type Scalar, type YAMLMap } from "yaml";
import { interpolate, type Variables } from "./interpolate.ts";
import { formatPath, type Path, type Problem } from "./problem.ts";
import { problemIn, type Source } from "./source.ts";

/** The values of a file, what is wrong with them, and which variables made which value. */
export type FileValues = Readonly<{
  value: unknown;
  problems: readonly Problem[];
  /** Names of variables that were used and not set, with no default. */
  unset: readonly Readonly<{ name: string; path: string }>[];
  /** Values that variables had a part in: the names, and where the value begins in the file. */
  filled: readonly Filled[];
}>;

/** A value that was filled in from variables. */
type Filled = Readonly<{ path: string; offset: number; names: readonly string[] }>;

type Reading = {
  readonly source: Source;
  readonly variables: Variables;
  readonly problems: Problem[];
  readonly unset: { name: string; path: string }[];
  readonly filled: Filled[];
};

/** Reads every value; keys that start with `x-` are left out, as in Compose. */
export function readValues(source: Source, variables: Variables): FileValues {
  const reading: Reading = { source, variables, problems: [], unset: [], filled: [] };
  const value = readNode(source.document.contents, [], reading);
  return { value, problems: reading.problems, unset: reading.unset, filled: reading.filled };
}

function readNode(node: unknown, path: Path, reading: Reading): unknown {
  if (isAlias(node)) return readNode(node.resolve(reading.source.document), path, reading);
  if (isMap(node)) return readMap(node, path, reading);
  if (isSeq(node))
    return node.items.map((item, index) => readNode(item, [...path, index], reading));
  return isScalar(node) ? readScalar(node, path, reading) : null;
}

function readMap(map: YAMLMap, path: Path, reading: Reading): Readonly<Record<string, unknown>> {
  const own: [string, unknown][] = [];
  const merged: [string, unknown][] = [];
  for (const { key, value } of map.items) {
    if (!isScalar(key)) continue;
    if (key.source === "<<" && key.type === "PLAIN")
      merged.push(...readMerged(value, path, reading));
    else if (!String(key.value).startsWith("x-") || path.length > 2) {
      const name = String(key.value);
      own.push([name, readNode(value, [...path, name], reading)]);
    }
  }
  return Object.fromEntries([...merged.toReversed(), ...own]);
}

/** A merge key takes one map or several, the first of which wins. */
function readMerged(value: unknown, path: Path, reading: Reading): [string, unknown][] {
  const target = isAlias(value) ? value.resolve(reading.source.document) : value;
  const parts = isSeq(target) ? target.items : [target];
  return parts.flatMap((part) => {
    const read = readNode(part, path, reading);
    return typeof read === "object" && read !== null ? Object.entries(read) : [];
  });
}

function readScalar(scalar: Scalar, path: Path, reading: Reading): unknown {
  const { value } = scalar;
  if (typeof value === "string") return fillIn(scalar, value, path, reading);
  if (typeof value !== "number" && typeof value !== "boolean") return value;
  const written = scalar.source ?? "";
  if (/^[+-]?0\d+$/.test(written)) {
    const octal = `0o${written.replace(/^[+-]?0+/, "")}`;
    const message = `\`${written}\` is the decimal number ${value} in YAML 1.2: put it in quotes, or write ${octal} for an octal one`;
    reading.problems.push(problemIn(reading.source, path, message));
    return value;
  }
  return String(value) === written || written.startsWith("0o") ? value : written;
}

function fillIn(scalar: Scalar, text: string, path: Path, reading: Reading): string {
  if (!text.includes("$")) return text;
  const { text: filled, used, unset, problems } = interpolate(text, reading.variables);
  const at = formatPath(path);
  reading.problems.push(...problems.map((message) => problemIn(reading.source, path, message)));
  reading.unset.push(...unset.map((name) => ({ name, path: at })));
  if (used.length > 0)
    reading.filled.push({ path: at, offset: scalar.range?.[0] ?? 0, names: used });
  return filled;
}
