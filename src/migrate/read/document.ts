/** A JSON or YAML document with the line of each of its parts: what is wrong with it can then be said by line. Pure. */
import type { NotUnderstood, Place, Reading } from "../reading.ts";
import { lineAt } from "./text.ts";

/** A value that has no parts. */
type Scalar = string | number | boolean | null;

/** A value with the line that it starts on, from 1, or 0 in a file without lines. Names of maps are names, `__proto__` too. */
export type Part = Readonly<{ line: number }> &
  (
    | Readonly<{ kind: "scalar"; value: Scalar }>
    | Readonly<{ kind: "list"; items: readonly Part[] }>
    | Readonly<{ kind: "map"; entries: ReadonlyMap<string, Part> }>
  );

/** Collects what of one file could not be used. */
export class Notes {
  readonly #at: Place;
  readonly list: NotUnderstood[];

  constructor(at: Place, first: readonly NotUnderstood[] = []) {
    this.#at = at;
    this.list = [...first];
  }

  /** Notes it under a name that must not be a secret. */
  add(line: number, what: string, why: string): void {
    this.list.push({ at: this.place(line), what: short(what), why });
  }

  /** Where a line is. */
  place(line: number): Place {
    return lineAt(this.#at, line);
  }
}

/** Converts the map that a document must be; what else it is, is noted, and gives what an empty one gives. */
export function convertDocument<Value>(
  document: Reading<Part | undefined>,
  at: Place,
  convert: (entries: ReadonlyMap<string, Part>, notes: Notes) => Value,
): Reading<Value> {
  const notes = new Notes(at, document.notUnderstood);
  const { found: root } = document;
  if (root !== undefined && root.kind !== "map")
    notes.add(root.line, "the file", "is not one map of names to values.");
  const found = convert(root?.kind === "map" ? root.entries : new Map(), notes);
  return { found, notUnderstood: notes.list };
}

/** The plain value of a part, as `JSON.parse` would give it. */
export function plainOf(part: Part): unknown {
  if (part.kind === "scalar") return part.value;
  if (part.kind === "list") return part.items.map(plainOf);
  return plainMap(part.entries);
}

/** The plain values of the parts of a map; `__proto__` is a name as any other. */
export function plainMap(entries: ReadonlyMap<string, Part>): Record<string, unknown> {
  return Object.fromEntries([...entries].map(([name, part]) => [name, plainOf(part)]));
}

function short(what: string): string {
  return what.length > 120 ? `${what.slice(0, 120)}…` : what;
}
