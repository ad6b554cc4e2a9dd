/** Words on the command line that a command does not understand, told in the way of all other failures. */
import { exitCodes, NexusError } from "../errors.ts";
import { nearestFlag } from "./near-words.ts";

/** The command line was not understood. */
export class UsageError extends NexusError {
  readonly code = "NEXUS_USAGE";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(problem);
    this.remedy = remedy;
  }
}

/** The command that was typed: its id (`keys:add`) and the names of its flags. */
export type TypedCommand = Readonly<{ id: string; flags: readonly string[] }>;

/** A failure of oclif's parser as ours, without its page of help. */
export function usageProblem(error: Error, command: TypedCommand): UsageError {
  const words = command.id.replaceAll(":", " ");
  const help = `See how it is used with \`nexus ${words} --help\`.`;
  if ("flags" in error && Array.isArray(error.flags)) {
    const unknown = error.flags.map(String);
    const near = nearestFlag(unknown[0] ?? "", command.flags);
    const guess = near === undefined ? "" : `Did you mean \`${near}\`? `;
    return new UsageError(`nexus ${words} has no flag ${unknown.join(", ")}.`, guess + help);
  }
  const missing = missingWords(error);
  return missing.length > 0
    ? new UsageError(`nexus ${words} needs ${missing.join(" and ")}.`, help)
    : new UsageError(plainly(error.message), help);
}

/** Oclif lists them as `args` of the failure, which it also does for words that are too many: those are plain text. */
function missingWords(error: Error): readonly string[] {
  if (!("args" in error) || !Array.isArray(error.args)) return [];
  return error.args.flatMap((arg: unknown) =>
    typeof arg === "object" && arg !== null && "name" in arg
      ? [`<${String(arg.name).toUpperCase()}>`]
      : [],
  );
}

function plainly(message: string): string {
  return message
    .replace(/\n?See more help with --help$/, "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/^Parsing (--[\w-]+) +E/, "$1: e")
    .trim();
}
