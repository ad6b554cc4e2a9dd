/** Keys in plain text, as files that only their owner can read: `.nexus/secrets/<name>.key` beside the stack file. */
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exitCodes, NexusError } from "../errors.ts";

/** Somebody else than its owner may read a key file or its folder. */
export class LoosePermissionsError extends NexusError {
  readonly code = "NEXUS_LOOSE_PERMISSIONS";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(path: string, mode: number, wanted: number) {
    super(`${path} can be read by others (mode ${octal(mode)}), and it holds secrets.`);
    this.remedy = `Close it with \`chmod ${octal(wanted)} ${path}\`; if others may have seen a key, replace it with \`nexus keys rotate\`.`;
    this.details = { path, mode: octal(mode) };
  }
}

/** Where the secrets of a stack lie. */
export function secretsFolder(directory: string): string {
  return join(directory, ".nexus", "secrets");
}

/** Where a key of that name is kept in plain text, if it was saved. */
export function keyFile(directory: string, name: string): string {
  return join(secretsFolder(directory), `${name}.key`);
}

/** A key on its way into its file: on disk already, so that putting it in place cannot fail for want of room or rights. */
export type StagedKey = Readonly<{
  /** Puts it in place of what was there; resolves with the path. */
  commit: () => Promise<string>;
  /** Leaves what was there as it is. */
  discard: () => Promise<void>;
}>;

/** Writes a key beside its file, for its owner alone. */
export async function stageKey(directory: string, name: string, key: string): Promise<StagedKey> {
  const folder = secretsFolder(directory);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const path = keyFile(directory, name);
  const draft = `${path}.new`;
  // An interrupted run may have left one behind.
  await rm(draft, { force: true });
  await writeFile(draft, `${key}\n`, { mode: 0o600, flag: "wx" });
  return {
    commit: () => rename(draft, path).then(() => path),
    discard: () => rm(draft, { force: true }),
  };
}

/** Writes a key to its file, at once and for its owner alone; resolves with the path. */
export async function saveKey(directory: string, name: string, key: string): Promise<string> {
  return (await stageKey(directory, name, key)).commit();
}

/** Reads a key from a file; undefined when there is none. Throws LoosePermissionsError. */
export async function readKey(path: string): Promise<string | undefined> {
  const key = await readFile(path, "utf8").catch(absent);
  if (key !== undefined) await refuseLoose(path, 0o600);
  return key?.trim();
}

/** Removes a saved key; does nothing when there is none. */
export async function forgetKey(directory: string, name: string): Promise<void> {
  await rm(keyFile(directory, name), { force: true });
}

/** Throws LoosePermissionsError when more is allowed than `wanted`. Windows has no such modes. */
export async function refuseLoose(path: string, wanted: number): Promise<void> {
  const found = await stat(path).catch(absent);
  const mode = (found?.mode ?? 0) & 0o777;
  if (process.platform !== "win32" && (mode & ~wanted) !== 0) {
    throw new LoosePermissionsError(path, mode, wanted);
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(3, "0");
}

function absent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
