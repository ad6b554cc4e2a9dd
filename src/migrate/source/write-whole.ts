/** Private files of this machine, 0600 in folders of 0700: whole or not at all. */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes a folder and those above it that are missing, for its owner alone. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Writes a private file beside its place and moves it there once `fill` has filled it. */
export async function writeWhole(to: string, fill: (part: string) => Promise<void>): Promise<void> {
  await makePrivateFolder(dirname(to));
  const part = `${to}.part`;
  await rm(part, { force: true });
  await (await open(part, "wx", 0o600)).close();
  try {
    await fill(part);
    await rename(part, to);
  } finally {
    await rm(part, { force: true });
  }
}
