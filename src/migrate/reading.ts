/** What reading foreign files gives: what was understood, and what was not. Reading never throws and drops nothing silently. */

/** Where something was found. */
export type Place = Readonly<{
  /** Name of the host as the old installation called it. */
  host: string;
  /** Absolute path there, such as `/var/lib/gateway/app/.env`. */
  file: string;
  /** From 1. */
  line?: number;
}>;

/** A value and where it stands. */
export type Found<Value> = Readonly<{ value: Value; at: Place }>;

/** Something that was there and could not be used; never holds a value that could be a secret. */
export type NotUnderstood = Readonly<{
  at: Place;
  /** What it is about: `SHIM_MODEL_PRESETS_JSON`, `tools[2].exec.argv`. */
  what: string;
  /** Why, as a sentence. */
  why: string;
}>;

/** What a reader makes of one file. */
export type Reading<Value> = Readonly<{ found: Value; notUnderstood: readonly NotUnderstood[] }>;

/** A reader of one kind of file: pure, total over all bytes. */
export type Reader<Value> = (bytes: Buffer, at: Place) => Reading<Value>;
