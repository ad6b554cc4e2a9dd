/** How reading a stack can fail. */
import { NexusError, exitCodes } from "../errors.ts";
import { formatProblem, type Problem } from "./problem.ts";

/** The stack file, or a file that it names, breaks the rules; all problems are told at once. */
export class InvalidStackError extends NexusError {
  readonly code = "NEXUS_INVALID_STACK";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<{ file: string; problems: readonly Problem[] }>;

  /** `of: "change"` is a text that was proposed and not written: the file itself is as it was. */
  constructor(
    file: string,
    problems: readonly Problem[],
    { of: cause = "file" }: Readonly<{ of?: "file" | "change" }> = {},
  ) {
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    const verdict =
      cause === "file"
        ? `${file} is not a valid stack: ${count}.`
        : `With this change ${file} would not be a valid stack: ${count}. Nothing was written.`;
    super(`${verdict}\n\n${problems.map(formatProblem).join("\n\n")}`);
    const them = problems.length === 1 ? "it" : "them";
    const advice =
      cause === "file"
        ? `Correct ${them}, then look at the result with \`nexus config\`.`
        : `Correct ${them} in the words of the command and run it again.`;
    this.remedy = `${advice} Every key is explained in docs/STACK_FILE.md.`;
    this.details = { file, problems };
  }
}

/** There is no stack file where one was looked for. */
export class StackNotFoundError extends NexusError {
  readonly code = "NEXUS_STACK_NOT_FOUND";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Make one with `nexus init`, bring up a ready-made one with `nexus up --stack starter`, or name yours with `--file`.";
  override readonly details: Readonly<{ searched: string }>;

  constructor(searched: string, named: boolean) {
    super(
      named
        ? `There is no stack file at ${searched}.`
        : `There is no nexus.yaml or nexus.yml in ${searched} or a folder above it.`,
    );
    this.details = { searched };
  }
}

/** A stack file is written in a way that Nexus cannot change without rewriting it. */
export class StackEditError extends NexusError {
  readonly code = "NEXUS_STACK_EDIT";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
