/** A host of an old installation that is nothing but a record of files, for properties. */
import { posix } from "node:path";
import type { NotUnderstood } from "../../src/migrate/reading.ts";
import type {
  DatabaseLook,
  SourceEntry,
  SourceFile,
  SourceTree,
} from "../../src/migrate/source/tree.ts";

/** What the host has. */
export type InMemoryHost = Readonly<{
  host?: string;
  live?: boolean;
  /** Content by path; `undefined` is a file that cannot be read. */
  files: Readonly<Record<string, string | Buffer | undefined>>;
  /** What looking at a database gives, by path; it cannot be looked at without. */
  looks?: Readonly<Record<string, DatabaseLook>>;
  /** Names of units that run; nobody can be asked without. */
  units?: readonly string[];
}>;

/** The host as a tree. What it copies it refuses: nothing here is on a disk. */
export class InMemoryTree implements SourceTree {
  readonly host: string;
  readonly live: boolean;
  readonly #files: ReadonlyMap<string, Buffer | undefined>;
  readonly #unread = new Map<string, NotUnderstood>();
  readonly #given: InMemoryHost;

  constructor(given: InMemoryHost) {
    this.host = given.host ?? "ai1";
    this.live = given.live ?? false;
    this.#given = given;
    this.#files = new Map(
      Object.entries(given.files).map(([path, content]) => [
        posix.normalize(path),
        content === undefined ? undefined : Buffer.from(content),
      ]),
    );
  }

  async entry(path: string): Promise<SourceEntry | undefined> {
    if (this.#files.has(path))
      return { path, kind: "file", bytes: this.#files.get(path)?.length ?? 0 };
    return this.#below(path).length > 0 ? { path, kind: "folder", bytes: 0 } : undefined;
  }

  async list(path: string): Promise<readonly SourceEntry[]> {
    const folder = path === "/" ? "" : path;
    const names = this.#below(path).map(
      (each) => each.slice(folder.length + 1).split("/")[0] ?? "",
    );
    const entries: SourceEntry[] = [];
    for (const name of [...new Set(names)].toSorted()) {
      const entry = await this.entry(`${folder}/${name}`);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  async read(path: string): Promise<SourceFile> {
    if (!this.#files.has(path)) return { kind: "absent" };
    const bytes = this.#files.get(path);
    if (bytes) return { kind: "file", bytes };
    const why = "cannot be read.";
    this.#unread.set(path, { at: { host: this.host, file: path }, what: "the file", why });
    return { kind: "unreadable", why };
  }

  async measure(path: string): Promise<Readonly<{ files: number; bytes: number }>> {
    const files = this.#files.has(path) ? [path] : this.#below(path);
    const sizes = files.map((each) => this.#files.get(each)?.length ?? 0);
    return { files: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  async fetch(): Promise<void> {
    throw new Error("An in-memory tree copies nothing.");
  }

  async backup(): Promise<void> {
    throw new Error("An in-memory tree copies nothing.");
  }

  async look(path: string): Promise<DatabaseLook | undefined> {
    return this.#given.looks?.[path];
  }

  unread(): readonly NotUnderstood[] {
    return [...this.#unread.values()];
  }

  async running({ name }: { name: string }): Promise<boolean | undefined> {
    return this.#given.units?.includes(name);
  }

  async switch(): Promise<void> {
    throw new Error("An in-memory tree starts nothing.");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unread.clear();
  }

  #below(path: string): readonly string[] {
    const folder = path === "/" ? "/" : `${path}/`;
    return [...this.#files.keys()].filter((each) => each.startsWith(folder));
  }
}
