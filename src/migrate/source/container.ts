/** What a container keeps in a folder, read through the engine: volumes are nobody else's to read. Nothing is written there. */
import { rm } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Engine, TakenFile } from "../../engine/engine.ts";
import { NexusError } from "../../errors.ts";
import { copyDatabaseOrFile, saveStream } from "./copy-out.ts";
import { copyToLook, type CopyToLook, namedBelow } from "./copy-to-look.ts";
import { SourceUnreadableError } from "./errors.ts";
import { FolderTree, mostBytes } from "./folder-tree.ts";
import { isDatabase } from "./open-database.ts";
import { makePrivateTemporary } from "./private-temporary.ts";
import { databaseProgram } from "./ssh-scripts.ts";
import type { SourceFile, SourceTree } from "./tree.ts";
import { roomFor } from "./unpack.ts";

/** Which folder of which container, and what it is in the tree. */
export type ContainerFolder = Readonly<{
  container: Readonly<{ id: string; running: boolean }>;
  /** Absolute in the container. */
  folder: string;
  host: string;
  /** The folder's path in the tree. */
  at: string;
}>;

/**
 * The folder as it is now. Databases and small files are copied to look at them; databases that a running container has
 * open by a program in it; everything else only when it is fetched. Throws VolumeTooBigError.
 */
export async function containerTree(
  { containers }: Pick<Engine, "containers">,
  source: ContainerFolder,
): Promise<SourceTree> {
  const { container, folder, host } = source;
  const copy = await makePrivateTemporary("nexus-volume-");
  const dispose = () => copy[Symbol.asyncDispose]();
  try {
    const { bytes: room } = await roomFor(copy.path);
    const files = containers.take(container.id, folder);
    const copied = await copyToLook(files, { to: copy.path, from: `${folder} of ${host}`, room });
    const torn = container.running
      ? await backUpAll(containers, { container, folder, names: [...copied.held], to: copy.path })
      : [];
    const noted = [...torn, ...linksNoted(copied)];
    return new ContainerTree(containers, { source, copied, root: copy.path, dispose, noted });
  } catch (error) {
    await dispose();
    throw error;
  }
}

type Opened = Readonly<{
  source: ContainerFolder;
  copied: CopyToLook;
  root: string;
  dispose: () => Promise<void>;
  noted: readonly Noted[];
}>;

/** The copy, and behind it the container for everything that the copy has only the size of. */
class ContainerTree extends FolderTree {
  readonly #containers: Engine["containers"];
  readonly #opened: Opened;

  constructor(containers: Engine["containers"], opened: Opened) {
    const { source, root, dispose, noted } = opened;
    const { host, at } = source;
    const paths = noted.map(({ name, why }) => ({ path: posix.join(at, name), why }));
    super({ host, root, at, dispose, noted: paths });
    this.#containers = containers;
    this.#opened = opened;
  }

  override async read(path: string): Promise<SourceFile> {
    const { bytes = 0 } = (await this.entry(path)) ?? {};
    if (!this.#opened.copied.hollow.has(this.#below(path)) || bytes > mostBytes)
      return super.read(path);
    for await (const { content } of this.#take(path)) {
      const chunks: Buffer[] = await content.toArray();
      return { kind: "file", bytes: Buffer.concat(chunks) };
    }
    return { kind: "absent" };
  }

  override async fetch(path: string, to: string): Promise<void> {
    const left = this.#hollowBelow(path);
    if (left.size === 0) return super.fetch(path, to);
    const databases = new Set<string>();
    for await (const file of this.#take(path)) {
      const below = namedBelow(file.path);
      const name = posix.join(this.#below(path), below);
      left.delete(name);
      await this.#save(file, { name, to: join(to, below), databases });
    }
    for (const name of left) throw this.#lost(name, "it has gone away");
  }

  /** What was copied to look at it is what was planned; a database among it is whole. */
  async #save(
    { content }: TakenFile,
    { name, to, databases }: Readonly<{ name: string; to: string; databases: Set<string> }>,
  ): Promise<void> {
    const { copied, root } = this.#opened;
    try {
      if (!copied.held.has(name)) return await saveStream(content, to);
      for await (const _ of content);
      await copyDatabaseOrFile(join(root, name), to, databases);
    } catch (error) {
      if (error instanceof NexusError) throw error;
      throw this.#lost(name, error instanceof Error ? error.message : String(error));
    }
  }

  async *#take(path: string): AsyncGenerator<TakenFile> {
    const { container, folder } = this.#opened.source;
    const full = posix.join(folder, this.#below(path));
    for await (const taken of this.#containers.take(container.id, full))
      if ("content" in taken) yield taken;
  }

  #hollowBelow(path: string): Set<string> {
    const below = this.#below(path);
    const names = [...this.#opened.copied.hollow];
    return new Set(names.filter((name) => `${name}/`.startsWith(below === "" ? "" : `${below}/`)));
  }

  #below(path: string): string {
    return posix.relative(this.#opened.source.at, path);
  }

  #lost(name: string, why: string): SourceUnreadableError {
    const { host, at } = this.#opened.source;
    return new SourceUnreadableError(host, posix.join(at, name), why);
  }
}

type Copied = Pick<ContainerFolder, "container" | "folder"> &
  Readonly<{ names: readonly string[]; to: string }>;

type Noted = Readonly<{ name: string; why: string }>;

function linksNoted({ links }: CopyToLook): readonly Noted[] {
  return [...links].map(([name, link]) => ({
    name,
    why: `it is a symbolic link to ${link}, and links in a volume are not followed: put a copy of what it leads to in its place if it is needed`,
  }));
}

/** The files of a database that somebody writes are of different moments: its own backup takes their place. */
async function backUpAll(
  containers: Engine["containers"],
  { container, folder, names, to }: Copied,
): Promise<readonly Noted[]> {
  const noted: Noted[] = [];
  const databases: string[] = [];
  for (const name of names) if (await isDatabase(join(to, name))) databases.push(name);
  for (const name of databases) {
    const file = join(to, name);
    for (const suffix of ["", "-wal", "-shm", "-journal"])
      await rm(`${file}${suffix}`, { force: true });
    const command = ["python3", "-I", "-B", "-c", databaseProgram, posix.join(folder, name)];
    const { stdin, stdout, stderr, exitCode } = await containers.exec(container.id, command);
    stdin.end();
    stderr.resume();
    await saveStream(stdout, file);
    if ((await exitCode) === 0 && (await isDatabase(file))) continue;
    await rm(file, { force: true });
    noted.push({
      name,
      why: "the running container could not copy it: stop it, and run this again",
    });
  }
  return noted;
}
