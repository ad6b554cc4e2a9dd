/** Files of ours on this machine that the operating system does not let us read or write. */
import { exitCodes, NexusError } from "./errors.ts";

/** Why, and what helps, by Node's code for the system's answer. */
const reasons: Readonly<Record<string, Readonly<{ why: string; remedy: string }>>> = {
  ENOSPC: { why: "the disk is full", remedy: "Free some space on that disk" },
  EDQUOT: { why: "your share of the disk is used up", remedy: "Free some space on that disk" },
  EROFS: {
    why: "it is on a file system that cannot be written to",
    remedy: "Work in a folder that can be written to",
  },
  EACCES: {
    why: "you may not",
    remedy: "Look at its owner and mode with `ls -ld`, and correct them",
  },
  EPERM: {
    why: "you may not",
    remedy: "Look at its owner and mode with `ls -ld`, and correct them",
  },
  EMFILE: { why: "too many files are open", remedy: "Raise the limit with `ulimit -n`" },
};

/** The operating system refused a file: full disk, wrong owner, read-only place. What was there is still there. */
export class FileRefusedError extends NexusError {
  readonly code = "NEXUS_FILE_REFUSED";
  readonly exitCode = exitCodes.resources;
  readonly remedy: string;
  override readonly details: Readonly<{ path: string | undefined; reason: string }>;

  constructor({ path, code }: Readonly<{ path: string | undefined; code: string }>, cause: Error) {
    const { why, remedy } = reasons[code] ?? { why: code, remedy: "Look at the file" };
    super(`${path ?? "A file"} cannot be used: ${why}.`, { cause });
    this.remedy = `${remedy}, then run the command again.`;
    this.details = { path, reason: code };
  }
}

/** The failure in our words where the system refused a file; anything else as it is. */
export function explainFile(error: Error): Error {
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || !Object.hasOwn(reasons, code)) return error;
  return new FileRefusedError({ path, code }, error);
}
