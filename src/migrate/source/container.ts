/** What a container keeps in a folder, read through the engine: volumes are nobody else's to read. Nothing is written there. */
import { rm } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Engine } from "../../engine/engine.ts";
import { saveStream } from "./copy-out.ts";
import { FolderTree } from "./folder-tree.ts";
import { isDatabase } from "./open-database.ts";
import { makePrivateTemporary } from "./private-temporary.ts";
import { databaseProgram } from "./ssh-scripts.ts";
import type { SourceTree } from "./tree.ts";

/** Which folder of which container, and what it is in the tree. */
export type ContainerFolder = Readonly<{
  container: Readonly<{ id: string; running: boolean }>;
  /** Absolute in the container. */
  folder: string;
  host: string;
  /** The folder's path in the tree. */
  at: string;
}>;

/** A private copy of the folder; databases that a running container has open are copied by a program in it. */
export async function containerTree(
  { containers }: Pick<Engine, "containers">,
  { container, folder, host, at }: ContainerFolder,
): Promise<SourceTree> {
  const copy = await makePrivateTemporary("nexus-volume-");
  const dispose = () => copy[Symbol.asyncDispose]();
  try {
    const names: string[] = [];
    for await (const { path, content } of containers.take(container.id, folder)) {
      const name = path.split("/").slice(1).join("/");
      await saveStream(content, join(copy.path, name));
      names.push(name);
    }
    const noted = container.running
      ? await backUpAll(containers, { container, folder, names, to: copy.path })
      : [];
    return new FolderTree({
      host,
      root: copy.path,
      at,
      dispose,
      noted: noted.map(({ name, why }) => ({ path: posix.join(at, name), why })),
    });
  } catch (error) {
    await dispose();
    throw error;
  }
}

type Copied = Pick<ContainerFolder, "container" | "folder"> &
  Readonly<{ names: readonly string[]; to: string }>;

type Noted = Readonly<{ name: string; why: string }>;

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
