/** Why a file system refused, in words for people. */

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "absent",
  ENOTDIR: "absent",
  EACCES: "this user has no right to read it",
  EPERM: "this user has no right to read it",
  EIO: "the disk reports an error there",
  ESTALE: "the network file system has lost it",
  ELOOP: "its symbolic links are a loop",
  ENAMETOOLONG: "absent",
  EINVAL: "absent",
  ERR_INVALID_ARG_VALUE: "absent",
};

/** `absent`, or a clause that says why it cannot be read; throws what is no failure of a file system. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === undefined) throw error;
  return reasons[code] ?? `the file system says ${code}`;
}

/** The code of a failure of Node's, such as `EACCES`. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
