/** Writes stack files: a new one to start with, and changes to one that is there. Nothing is overwritten unseen. */
import { access, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { newStackFile } from "../catalog/stacks.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { diffLines } from "./diff.ts";
import { displayName } from "./read-files.ts";

/** There is a stack file where a new one was to be written. */
export class StackExistsError extends NexusError {
  readonly code = "NEXUS_STACK_EXISTS";
  readonly exitCode = exitCodes.conflict;
  readonly remedy =
    "Use it (`nexus up`), add to it (`nexus add service <id>`), or start another stack in an empty folder.";
  override readonly details: Readonly<{ file: string }>;

  constructor(file: string) {
    super(`There is a stack file already: ${file}. Nothing was written.`);
    this.details = { file };
  }
}

/** The stack file changed while its new text was being agreed on. */
export class StackChangedError extends NexusError {
  readonly code = "NEXUS_STACK_CHANGED";
  readonly exitCode = exitCodes.conflict;
  readonly remedy = "Run the command again: it starts from the file as it is now.";

  constructor(file: string) {
    super(`${file} was changed by somebody else meanwhile. Nothing was written.`);
  }
}

/** Writes `nexus.yaml` from a ready-made stack; resolves with its path. Throws StackExistsError, UnknownStackError. */
export async function startStack(
  directory: string,
  id: string,
  options: Readonly<{ name?: string }> = {},
): Promise<string> {
  const text = await newStackFile(id, options);
  for (const name of ["nexus.yaml", "nexus.yml"]) {
    const file = join(directory, name);
    if (await exists(file)) throw new StackExistsError(file);
  }
  const file = join(directory, "nexus.yaml");
  await writeFile(file, text, { flag: "wx" });
  await ignoreSecrets(directory);
  return file;
}

/** Sees to it that git never takes `.nexus/`, where keys and secrets lie. */
export async function ignoreSecrets(directory: string): Promise<void> {
  const file = join(directory, ".gitignore");
  const text = await readFile(file, "utf8").catch(() => "");
  const missing = missingIgnore(text);
  if (missing !== "") await writeFile(file, `${text}${missing}`);
}

/** What a `.gitignore` needs at its end to keep git from `.nexus/`; empty where it does so already. */
export function missingIgnore(text: string): string {
  if (/^\/?\.nexus\/?\s*$/m.test(text)) return "";
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  return `${separator}.nexus/\n`;
}

/** A change to a stack file that nobody has agreed to yet. */
export type StackChange = Readonly<{ file: string; before: string; after: string; diff: string }>;

/** Works out a change; throws what `edit` throws. */
export async function proposeChange(
  file: string,
  edit: (text: string) => string,
): Promise<StackChange> {
  const before = await readFile(file, "utf8");
  const after = edit(before);
  return { file, before, after, diff: diffLines(before, after, displayName(process.cwd(), file)) };
}

/** Writes a change, all of it or nothing, keeping the file's mode. Throws StackChangedError. */
export async function writeChange({ file, before, after }: StackChange): Promise<void> {
  if ((await readFile(file, "utf8")) !== before) throw new StackChangedError(file);
  const { mode } = await stat(file);
  const draft = join(dirname(file), `.${String(process.pid)}.nexus.yaml`);
  await writeFile(draft, after, { flag: "wx", mode });
  await rename(draft, file);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
