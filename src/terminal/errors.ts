/** What goes wrong between Nexus and the person at the terminal. */
import { exitCodes, NexusError } from "../errors.ts";

/** A question had to be asked and nobody is there to answer it. */
export class PromptNeedsTerminalError extends NexusError {
  readonly code = "NEXUS_PROMPT_NEEDS_TERMINAL";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(question: string, flag: string) {
    super(`This needs an answer, and there is no terminal to ask on: ${question}`);
    this.remedy = `Answer in advance with ${flag}, or run the command in a terminal.`;
    this.details = { question, flag };
  }
}

/** The person pressed Ctrl-C at a question. */
export class PromptCancelledError extends NexusError {
  readonly code = "NEXUS_PROMPT_CANCELLED";
  readonly exitCode = exitCodes.interrupted;
  readonly remedy = "Nothing was changed. Run the command again when you are ready.";

  constructor(question: string) {
    super(`Cancelled at the question: ${question}`);
  }
}
