/** The port to one host of an old installation, read only: its own files, a copied tree, an unpacked archive, or ssh. Paths are absolute as on that host. */
import type { FoundUnit } from "../inventory.ts";
import type { NotUnderstood } from "../reading.ts";

/** One name in a folder, symbolic links followed as that host would follow them. */
export type SourceEntry = Readonly<{
  /** Absolute on that host. */
  path: string;
  kind: "file" | "folder";
  bytes: number;
}>;

/** A file, or why there is none. */
export type SourceFile = Readonly<
  | { kind: "file"; bytes: Buffer }
  | { kind: "absent" }
  /** It is there: a sentence says why it could not be read. */
  | { kind: "unreadable"; why: string }
>;

/** What can be said of a SQLite database. */
export type DatabaseLook = Readonly<{
  /** Rows by table. */
  rows: Readonly<Record<string, number>>;
  /** Result rows of what was asked, in the order asked; a failed question is undefined. */
  answers: readonly (readonly Readonly<Record<string, unknown>>[] | undefined)[];
}>;

/** One host's files and services. Nothing that is asked of it changes anything there. */
export interface SourceTree {
  /** The host's short name in the old installation; what it is called until its files tell. */
  readonly host: string;
  /** It is this very machine. */
  readonly live: boolean;
  entry(path: string): Promise<SourceEntry | undefined>;
  /** What lies in a folder, sorted by name; empty when there is none or it cannot be read. */
  list(path: string): Promise<readonly SourceEntry[]>;
  read(path: string): Promise<SourceFile>;
  /** Files and bytes below a path, or of one file. */
  measure(path: string): Promise<Readonly<{ files: number; bytes: number }>>;
  /** Copies a file, or a folder with all below it, to a path of this machine; 0600 and 0700. Throws SourceUnreadableError. */
  fetch(path: string, to: string): Promise<void>;
  /** Copies a SQLite database by its online backup, what stands in its write-ahead log included. Throws SourceUnreadableError. */
  backup(path: string, to: string): Promise<void>;
  /** Reads a SQLite database without a change to any byte beside it; undefined when that cannot be done. */
  look(path: string, questions: readonly string[]): Promise<DatabaseLook | undefined>;
  /** What was asked for so far, is there and could not be read (no right, a link out of the copied folder, a socket): each once. */
  unread(): readonly NotUnderstood[];
  /** Whether a unit runs; undefined when nobody can be asked. */
  running(unit: FoundUnit): Promise<boolean | undefined>;
  /** Stops or starts a unit. Throws LegacyServiceError. */
  switch(unit: FoundUnit, to: "stopped" | "started"): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
