/** A service of the stack while it is made out of one of a Compose project. */
import type { Variables } from "../../stack/interpolate.ts";
import type { Path } from "../../stack/problem.ts";
import { isRecord } from "../../stack/record.ts";
import { type ServiceSpec, serviceSchema } from "../../stack/schema/service.ts";
import { filled } from "./fill.ts";
import { type Definition, placeIn, type Values } from "./layers.ts";
import { type Note, noteAt, type NoteKind } from "./note.ts";

/** What converters fill: keys of the stack file, each checked before it is taken, and notes on all else. */
export class Draft {
  readonly name: string;
  /** The service as written. */
  readonly raw: Values;
  /** The same with its variables filled in: what decisions are made by. */
  readonly seen: Values;
  /** Keys of the stack file; variables stay variables. */
  readonly keys: Record<string, unknown> = {};
  readonly notes: Note[] = [];
  readonly #definition: Definition;

  constructor(definition: Definition, variables: Variables, name = definition.name) {
    this.name = name;
    this.raw = definition.value;
    const seen = filled(definition.value, variables);
    this.seen = isRecord(seen) ? seen : {};
    this.#definition = definition;
  }

  /** Notes something about what stands at `path` of the service. */
  note(kind: NoteKind, path: Path, message: string): void {
    const place = placeIn(this.#definition, path);
    if (place) this.notes.push(noteAt(place, kind, message));
  }

  /** Takes a key as it is written; one that a stack file cannot hold is left out and noted. */
  keep(key: keyof ServiceSpec, from: Path = [key], raw?: unknown, seen: unknown = raw): void {
    const value = raw ?? this.raw[key];
    const problem = schemaProblem(key, seen ?? this.seen[key]);
    if (problem === undefined) this.keys[key] = value;
    else this.note("left-out", from, problem);
  }

  /** Takes a list entry by entry, so that one that a stack file cannot hold does not take the others with it. */
  keepEach(key: keyof ServiceSpec, entries: readonly Entry[]): void {
    const good = entries.filter(({ seen, from }) => {
      const problem = schemaProblem(key, [seen]);
      if (problem !== undefined) this.note("left-out", from, problem);
      return problem === undefined;
    });
    const kept = [this.keys[key] ?? []].flat();
    if (good.length > 0) this.keys[key] = [...kept, ...good.map(({ raw }) => raw)];
  }
}

/** One entry of a list: as it is to be written, as it reads with variables filled in, and where it came from. */
export type Entry = Readonly<{ raw: unknown; seen: unknown; from: Path }>;

/** The entries of a list at `path`, or the one value there; none when nothing is there. */
export function entriesAt(raw: unknown, seen: unknown, path: Path): readonly Entry[] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) return [{ raw, seen, from: path }];
  const values: readonly unknown[] = Array.isArray(seen) ? seen : [];
  return raw.map((entry: unknown, index) => ({
    raw: entry,
    seen: values[index],
    from: [...path, index],
  }));
}

function schemaProblem(key: keyof ServiceSpec, value: unknown): string | undefined {
  const read = serviceSchema.shape[key].safeParse(value);
  if (read.success) return undefined;
  const [issue] = read.error.issues;
  const inner =
    issue?.code === "invalid_union"
      ? issue.errors.flat().find(({ code }) => code === "custom")
      : issue;
  return `cannot be taken over: ${inner?.code === "custom" ? inner.message : `Nexus does not take \`${key}\` in this form`}`;
}
