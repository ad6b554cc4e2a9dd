/** One number for all that lies in a folder: names, kinds, modes, contents. */
import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";

/** The SHA-256 of a folder's names, kinds, modes, and contents; equal for equal folders. */
export async function hashFolder(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  for (const path of paths) {
    const stats = await lstat(path);
    hash.update(`${relative(folder, path)}\0${stats.mode}\0${stats.size}\0`);
    if (stats.isSymbolicLink()) hash.update(await readlink(path));
    if (stats.isFile()) hash.update(await readFile(path));
  }
  return hash.digest("hex");
}
