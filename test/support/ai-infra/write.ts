/** Files of the fixture: written below one folder as a host would have them. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A file of a host: its path there, its content, and its mode where that is not 0644. */
export type HostFile = Readonly<{ path: string; content: string | Buffer; mode?: number }>;

/** Writes a host's files below a folder. */
export async function writeFiles(folder: string, files: readonly HostFile[]): Promise<void> {
  for (const { path, content, mode = 0o644 } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, { mode });
  }
}

/** Makes a symbolic link with exactly that target. */
export async function link(folder: string, path: string, target: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await symlink(target, join(folder, path));
}

/** What a Mac has at its root: `/var` and `/etc` are links into `/private`. */
export async function asMac(folder: string): Promise<void> {
  for (const name of ["etc", "var"]) {
    await mkdir(join(folder, "private", name), { recursive: true });
    await link(folder, name, `private/${name}`);
  }
}
