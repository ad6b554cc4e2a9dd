/** What every failure that a user can mend has in common; rooms derive one class per failure from it. */

/** The process exit codes, one per class of failure (DESIGN of the CLI, docs/errors.md). */
export const exitCodes = {
  ok: 0,
  bug: 1,
  usage: 2,
  engine: 3,
  notReady: 4,
  locked: 5,
  conflict: 6,
  resources: 7,
  image: 8,
  interrupted: 130,
} as const;

/** One of the documented exit codes. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/**
 * The base of every failure a user can fix.
 * Anything else that is thrown is a bug in Nexus, exits 1 and keeps its stack trace.
 */
export abstract class NexusError extends Error {
  /** Stable, searchable, and documented in docs/errors.md. */
  abstract readonly code: `NEXUS_${string}`;
  /** What the user can do about it, as an instruction; names a command wherever one helps. */
  abstract readonly remedy: string;
  /** The exit code that this failure ends the process with. */
  abstract readonly exitCode: ExitCode;
  /** Machine-readable particulars for `--json`; never holds a secret. */
  readonly details: Readonly<Record<string, unknown>> = {};
  override name = "NexusError";
}
