/** Writes files that are not there yet, and no others. */
import { writeFile } from "node:fs/promises";
import { exitCodes, NexusError } from "../../errors.ts";

/** Something is there where a file was to be written. */
export class FileExistsError extends NexusError {
  readonly code = "NEXUS_FILE_EXISTS";
  readonly exitCode = exitCodes.conflict;
  readonly remedy = "Move it away, or name another file with `--output`.";
  override readonly details: Readonly<{ file: string }>;

  constructor(file: string) {
    super(`${file} is there already, and was left as it is.`);
    this.details = { file };
  }
}

/** Writes a new file. Throws {@link FileExistsError}. */
export async function writeNew(file: string, text: string, mode = 0o644): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx", mode });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST")
      throw new FileExistsError(file);
    throw error;
  }
}
