/** A tree in a folder of this machine: the live root, a copied folder, an unpacked archive. */
import { readFile, readdir } from "node:fs/promises";
import { posix } from "node:path";
import type { FoundUnit } from "../inventory.ts";
import type { NotUnderstood } from "../reading.ts";
import { copyDatabaseOrFile } from "./copy-out.ts";
import { backupDatabase, lookInto } from "./databases.ts";
import { SourceUnreadableError } from "./errors.ts";
import { reasonOf } from "./reason.ts";
import { type Resolved, resolveBelow } from "./resolve-below.ts";
import type { DatabaseLook, SourceEntry, SourceFile, SourceTree } from "./tree.ts";
import { isRunning, type RunProgram, switchUnit } from "./units.ts";
import { Unread } from "./unread.ts";
import { makePrivateFolder } from "./write-whole.ts";

/** What a tree in a folder is. */
export type FolderOptions = Readonly<{
  host: string;
  /** Folder of this machine that holds the tree. */
  root: string;
  /** The path of that folder on the host; `/` by default. */
  at?: string;
  /** How the host's programs are run; undefined where the host is not there. */
  run?: RunProgram;
  /** Said by whoever laid out the folder: entries of an archive that were not unpacked. */
  noted?: readonly Readonly<{ path: string; why: string }>[];
  dispose?: () => Promise<void>;
}>;

/** The largest file that is read: configuration files are small; a log of gigabytes is fetched, never read. */
export const mostBytes = 64 * 1024 * 1024;

type Walked = Readonly<{ entry: SourceEntry; real: string; below: string }>;

/** Reads below a folder and nowhere else; writes nothing there. */
export class FolderTree implements SourceTree {
  readonly host: string;
  readonly live: boolean;
  readonly #options: FolderOptions;
  readonly #unread: Unread;

  constructor(options: FolderOptions) {
    this.host = options.host;
    this.live = options.run !== undefined;
    this.#options = options;
    this.#unread = new Unread(options.host);
    for (const { path, why } of options.noted ?? []) this.#unread.note(path, why);
  }

  async entry(path: string): Promise<SourceEntry | undefined> {
    return this.#entryAt(path, await this.#resolve(path));
  }

  async list(path: string): Promise<readonly SourceEntry[]> {
    const resolved = await this.#resolve(path);
    if (resolved.kind !== "at" || !resolved.stats.isDirectory()) return [];
    const entries: SourceEntry[] = [];
    for (const name of await this.#names(path, resolved.real)) {
      const child = posix.join(path, name);
      const found = await this.#resolve(child);
      if (found.kind === "absent") this.#unread.note(child, whyAbsent(found.dangling));
      const entry = this.#entryAt(child, found);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  async read(path: string): Promise<SourceFile> {
    const resolved = await this.#resolve(path);
    if (resolved.kind === "absent") return { kind: "absent" };
    if (resolved.kind === "unreadable") return this.#unreadable(path, resolved.why);
    if (!resolved.stats.isFile()) return this.#unreadable(path, "it is not a file");
    if (resolved.stats.size > mostBytes)
      return this.#unreadable(path, "it is far bigger than a settings file can be");
    try {
      return { kind: "file", bytes: await readFile(resolved.real) };
    } catch (error) {
      const why = reasonOf(error);
      return why === "absent" ? { kind: "absent" } : this.#unreadable(path, why);
    }
  }

  async measure(path: string): Promise<Readonly<{ files: number; bytes: number }>> {
    let files = 0;
    let bytes = 0;
    for await (const { entry } of this.#walk(path)) {
      if (entry.kind !== "file") continue;
      files += 1;
      bytes += entry.bytes;
    }
    return { files, bytes };
  }

  async fetch(path: string, to: string): Promise<void> {
    const start = await this.#found(path);
    const databases = new Set<string>();
    const copy = (real: string, target: string) => copyDatabaseOrFile(real, target, databases);
    if (start.stats.isFile()) return this.#saying(path, () => copy(start.real, to));
    for await (const { entry, real, below } of this.#walk(path)) {
      const target = posix.join(to, below);
      if (entry.kind === "folder") await makePrivateFolder(target);
      else await this.#saying(entry.path, () => copy(real, target));
    }
    this.#refuseHoles(path);
  }

  async backup(path: string, to: string): Promise<void> {
    const { real } = await this.#found(path);
    await this.#saying(path, () => backupDatabase(real, to));
  }

  async look(path: string, questions: readonly string[]): Promise<DatabaseLook | undefined> {
    const resolved = await this.#resolve(path);
    if (resolved.kind !== "at" || !resolved.stats.isFile()) return undefined;
    try {
      return await lookInto(resolved.real, questions);
    } catch (error) {
      this.#unread.note(path, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  unread(): readonly NotUnderstood[] {
    return this.#unread.all();
  }

  async running(unit: FoundUnit): Promise<boolean | undefined> {
    return this.#options.run && isRunning(this.#options.run, unit);
  }

  async switch(unit: FoundUnit, to: "stopped" | "started"): Promise<void> {
    await switchUnit(this.host, { run: this.#options.run, unit, to });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.dispose?.();
  }

  async #resolve(path: string): Promise<Resolved> {
    const { root, at = "/" } = this.#options;
    const resolved = await resolveBelow({ root, at }, path);
    if (resolved.kind !== "unreadable") return resolved;
    if (resolved.lost) this.#unread.lose(path, resolved.why);
    else this.#unread.note(path, resolved.why);
    return resolved;
  }

  #entryAt(path: string, resolved: Resolved): SourceEntry | undefined {
    if (resolved.kind !== "at") return undefined;
    const { stats } = resolved;
    if (stats.isFile()) return { path, kind: "file", bytes: stats.size };
    if (stats.isDirectory()) return { path, kind: "folder", bytes: 0 };
    this.#unread.note(path, "it is a socket, a pipe or a device, and holds nothing");
    return undefined;
  }

  async #names(path: string, real: string): Promise<readonly string[]> {
    try {
      return (await readdir(real)).toSorted();
    } catch (error) {
      this.#unread.lose(path, reasonOf(error));
      return [];
    }
  }

  #unreadable(path: string, why: string): SourceFile {
    this.#unread.note(path, why);
    return { kind: "unreadable", why };
  }

  async #found(path: string): Promise<Extract<Resolved, { kind: "at" }>> {
    const resolved = await this.#resolve(path);
    if (resolved.kind === "at") return resolved;
    const why = resolved.kind === "absent" ? "it is not there" : resolved.why;
    throw new SourceUnreadableError(this.host, path, why);
  }

  /** A folder before what is in it; a folder that is reached through itself ends there. */
  async *#walk(path: string, below = "", above: readonly string[] = []): AsyncGenerator<Walked> {
    const resolved = await this.#resolve(path);
    const entry = this.#entryAt(path, resolved);
    if (!entry || resolved.kind !== "at") return;
    if (above.includes(resolved.real)) {
      this.#unread.note(path, "it is a symbolic link to a folder that it lies in");
      return;
    }
    yield { entry, real: resolved.real, below };
    if (entry.kind === "file") return;
    for (const child of await this.list(path)) {
      const further = posix.join(below, posix.basename(child.path));
      yield* this.#walk(child.path, further, [...above, resolved.real]);
    }
  }

  async #saying(path: string, copy: () => Promise<void>): Promise<void> {
    try {
      await copy();
    } catch (error) {
      const why = error instanceof Error ? sayWhy(error) : String(error);
      throw new SourceUnreadableError(this.host, path, why);
    }
  }

  /** A copy of a folder is whole, or it is none: what could not be read must not be missed in silence. */
  #refuseHoles(path: string): void {
    const hole = this.#unread.lostBelow(path);
    if (hole) throw new SourceUnreadableError(this.host, hole.path, hole.why);
  }
}

const whyAbsent = (dangling: boolean) =>
  dangling
    ? "it is a symbolic link to something that is not there"
    : "its name cannot be told: it is not UTF-8";

function sayWhy(error: Error): string {
  if (!("code" in error) || "errcode" in error) return error.message;
  const why = reasonOf(error);
  return why === "absent" ? "it has gone away" : why;
}
