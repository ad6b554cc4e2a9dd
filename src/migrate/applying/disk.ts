/** This machine's files as a migration changes them: every change is whole or not there, and outlives a power cut. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  truncate,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A file, or undefined where there is none. */
type Maybe<Value> = Promise<Value | undefined>;

/** What a migration does to files; one call is one change. */
export interface Disk {
  read(path: string): Maybe<Buffer>;
  /** `sha256:<hex>` of a file, streamed. */
  digest(path: string): Maybe<string>;
  /** Bytes of a file. */
  size(path: string): Maybe<number>;
  exists(path: string): Promise<boolean>;
  /** Paths of all files and folders below a folder, relative to it, sorted; empty where there is none. */
  below(folder: string): Promise<readonly Readonly<{ path: string; kind: "file" | "folder" }>[]>;
  /** The folders that `makeFolder` would have to make, outermost first. */
  missingFolders(path: string): Promise<readonly string[]>;
  makeFolder(path: string, mode: number): Promise<void>;
  /** Adds to a file (0600) and waits until it is on the disk. */
  append(path: string, text: string): Promise<void>;
  /** Cuts a file off. */
  cut(path: string, length: number): Promise<void>;
  /** Replaces a file, or makes it. */
  write(path: string, content: Buffer | string, mode: number): Promise<void>;
  /** Gives a file or folder another name, in place of what had that name. */
  move(from: string, to: string): Promise<void>;
  /** Gives a file a second name, if nothing has that name. Resolves with false where something has. */
  linkNew(file: string, path: string): Promise<boolean>;
  /** Removes a file, or a folder with all below it; does nothing where there is none. */
  remove(path: string): Promise<void>;
  /** Removes a folder if nothing is in it. */
  removeEmpty(folder: string): Promise<void>;
}

/** The real disk. */
export const realDisk: Disk = {
  read: (path) => readFile(path).catch(absent),
  digest: async (path) => ((await isFile(path)) ? digestOf(path) : undefined),
  size: async (path) => (await stat(path).catch(absent))?.size,
  exists: async (path) => (await lstat(path).catch(absent)) !== undefined,
  below: async (folder) =>
    (await listBelow(folder, "")).toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  missingFolders,
  makeFolder: async (path, mode) => void (await mkdir(path, { recursive: true, mode })),
  append: async (path, text) => {
    const file = await open(path, "a", 0o600);
    try {
      await file.appendFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  cut: truncate,
  write: async (path, content, mode) => {
    const draft = join(dirname(path), `.${basename(path)}.new`);
    await rm(draft, { force: true });
    const file = await open(draft, "wx", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  },
  move: rename,
  linkNew: async (file, path) => {
    try {
      await link(file, path);
      return true;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      throw error;
    }
  },
  remove: (path) => rm(path, { recursive: true, force: true }),
  removeEmpty: async (folder) => {
    await rmdir(folder).catch((error: unknown) => {
      if (!["ENOENT", "ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(codeOf(error))) throw error;
    });
  },
};

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(absent))?.isFile() ?? false;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest("hex")}`;
}

type Below = Readonly<{ path: string; kind: "file" | "folder" }>;

async function listBelow(root: string, within: string): Promise<Below[]> {
  const entries = (await readdir(join(root, within), { withFileTypes: true }).catch(absent)) ?? [];
  const listed = entries.map(async (entry): Promise<Below[]> => {
    const path = within === "" ? entry.name : `${within}/${entry.name}`;
    if (!entry.isDirectory()) return [{ path, kind: "file" }];
    return [{ path, kind: "folder" }, ...(await listBelow(root, path))];
  });
  return (await Promise.all(listed)).flat();
}

async function missingFolders(path: string): Promise<readonly string[]> {
  if ((await lstat(path).catch(absent)) !== undefined || dirname(path) === path) return [];
  return [...(await missingFolders(dirname(path))), path];
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function absent(error: unknown): undefined {
  if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return undefined;
  throw error;
}
