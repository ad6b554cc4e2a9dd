/** Takes the values of a map by name; what nobody took is noted in the end. Pure. */
import { type Notes, type Part, plainOf } from "./document.ts";

/** The values of one map. A value of the wrong kind is noted, and undefined as if it were not there. */
export class Fields {
  readonly #entries: ReadonlyMap<string, Part>;
  readonly #what: string;
  readonly #notes: Notes;
  readonly #taken = new Set<string>();

  /** `what` is what the map is called in notes. */
  constructor(entries: ReadonlyMap<string, Part>, what: string, notes: Notes) {
    this.#entries = entries;
    this.#what = what;
    this.#notes = notes;
  }

  /** A text that is not blank, without white space around it. */
  text(...names: string[]): string | undefined {
    return this.#take(names, "text", (part) => {
      const value = part.kind === "scalar" ? part.value : undefined;
      return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
    });
  }

  /** A number that is not negative. */
  number(...names: string[]): number | undefined {
    return this.#take(names, "number", (part) => {
      const value = part.kind === "scalar" ? part.value : undefined;
      return typeof value === "number" && value >= 0 ? value : undefined;
    });
  }

  flag(...names: string[]): boolean | undefined {
    return this.#take(names, "true or false", (part) => {
      const value = part.kind === "scalar" ? part.value : undefined;
      return typeof value === "boolean" ? value : undefined;
    });
  }

  /** A list of texts that are not empty. */
  texts(...names: string[]): readonly string[] | undefined {
    return this.#take(names, "list of texts", (part) => {
      const values = part.kind === "list" ? part.items.map(plainOf) : [null];
      const texts = values.filter((value) => typeof value === "string" && value !== "");
      return texts.length === values.length ? (texts as string[]) : undefined;
    });
  }

  /** The entries of a map. */
  map(...names: string[]): ReadonlyMap<string, Part> | undefined {
    return this.#take(names, "map", (part) => (part.kind === "map" ? part.entries : undefined));
  }

  /** The items of a list. */
  list(...names: string[]): readonly Part[] | undefined {
    return this.#take(names, "list", (part) => (part.kind === "list" ? part.items : undefined));
  }

  /** Notes every value that was not taken. */
  noteRest(why: string): void {
    for (const [name, { line }] of this.#entries)
      if (!this.#taken.has(name)) this.#notes.add(line, `${this.#what}.${name}`, why);
  }

  /** Of several names for one thing the first that says anything counts. */
  #take<Value>(
    names: readonly string[],
    kind: string,
    valueOf: (part: Part) => Value | undefined,
  ): Value | undefined {
    let taken: Value | undefined;
    for (const name of names) {
      const part = this.#entries.get(name);
      this.#taken.add(name);
      if (part === undefined || saysNothing(part)) continue;
      const value = valueOf(part);
      const why =
        value === undefined ? `is no ${kind}: it is not used.` : "says again what is said before.";
      if (value === undefined || taken !== undefined)
        this.#notes.add(part.line, `${this.#what}.${name}`, why);
      taken ??= value;
    }
    return taken;
  }
}

function saysNothing(part: Part): boolean {
  return part.kind === "scalar" && (part.value === null || part.value === "");
}

type Defined<Values> = {
  [Key in keyof Values as undefined extends Values[Key] ? never : Key]: Values[Key];
} & {
  [Key in keyof Values as undefined extends Values[Key] ? Key : never]?: Exclude<
    Values[Key],
    undefined
  >;
};

/** The same object without the keys whose value is undefined. */
export function defined<Values extends object>(values: Values): Defined<Values> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<Values>;
}
