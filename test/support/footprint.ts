/** Everything that can be told of a folder's files: names, kinds, modes, times of change, contents. */
import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";

/** One line a file, sorted; two are equal when nothing was changed. */
export async function footprint(folder: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const { name, parentPath } of names) {
    const path = join(parentPath, name);
    const stats = await lstat(path, { bigint: true });
    const content = stats.isFile()
      ? await digest(path)
      : stats.isSymbolicLink()
        ? await readlink(path)
        : "";
    lines.push(
      `${relative(folder, path)} ${stats.mode.toString(8)} ${stats.uid} ${stats.mtimeNs} ${content}`,
    );
  }
  return lines.toSorted();
}

async function digest(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}
