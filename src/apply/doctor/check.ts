/** One thing that `nexus doctor` looks at. */
import { exitCodes, type ExitCode, NexusError } from "../../errors.ts";

/** What a look came to: `warn` works but deserves a thought, `skip` could not be looked at. */
export type Verdict = "ok" | "warn" | "fail" | "skip";

/** A finding, explained. */
export type Check = Readonly<{
  /** Stable, for programs: `engine`, `disk`, `ports`. */
  id: string;
  verdict: Verdict;
  /** What was found, in a sentence. */
  detail: string;
  /** What to do about it. */
  fix?: string;
  /** The exit code that a failure stands for. */
  exit?: ExitCode;
}>;

/** What `nexus doctor --json` prints. */
export type Diagnosis = Readonly<{ ok: boolean; checks: readonly Check[] }>;

/** Nothing to do. */
export function fine(id: string, detail: string): Check {
  return { id, verdict: "ok", detail };
}

/** Could not be looked at. */
export function skipped(id: string, detail: string): Check {
  return { id, verdict: "skip", detail };
}

/** Works, with a reservation. */
export function doubtful(id: string, detail: string, fix: string): Check {
  return { id, verdict: "warn", detail, fix };
}

/** Has to be mended. */
export function broken(id: string, detail: string, fix: string, exit: ExitCode): Check {
  return { id, verdict: "fail", detail, fix, exit };
}

/** A failure as a finding; throws what is no NexusError, for that is a bug. */
export function brokenBy(id: string, error: unknown): Check {
  if (!(error instanceof NexusError)) throw error;
  return broken(id, error.message, error.remedy, error.exitCode);
}

/** The gravest failure last: the class that hides the others decides. */
const gravity: readonly ExitCode[] = [
  exitCodes.notReady,
  exitCodes.image,
  exitCodes.resources,
  exitCodes.conflict,
  exitCodes.locked,
  exitCodes.usage,
  exitCodes.engine,
];

/** The exit code of the gravest failure; 0 when there is none. */
export function exitOfChecks(checks: readonly Check[]): ExitCode {
  const failed = checks.flatMap(({ verdict, exit }) =>
    verdict === "fail" && exit !== undefined ? [exit] : [],
  );
  return gravity.findLast((code) => failed.includes(code)) ?? exitCodes.ok;
}
