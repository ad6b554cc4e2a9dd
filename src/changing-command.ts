/** The base of the commands that change a stack: lock, story, consent, report and exit code are the same for all. */
import { Flags } from "@oclif/core";
import type { ChangeOptions } from "./apply/bring-up.ts";
import type { ApplyReport } from "./apply/events.ts";
import { NexusCommand } from "./nexus-command.ts";

/** The flags of every command that changes a stack. */
export const changeFlags = {
  yes: Flags.boolean({ char: "y", description: "Answer yes to every question." }),
  "wait-lock": Flags.integer({
    description: "Seconds to wait when another command is changing the stack.",
    default: 0,
    min: 0,
  }),
};

/** What a change prints with `--json`. */
export type ChangeDocument = Readonly<{ stack: string } & ApplyReport>;

export abstract class ChangingCommand extends NexusCommand {
  /** Makes the change that `survey` plans, tells its story, and sets the exit code that the outcome stands for. */
  protected async change(
    flags: Readonly<{ yes: boolean; "wait-lock": number }>,
    options: Pick<ChangeOptions, "engine" | "stack" | "survey" | "lookAgain" | "review">,
  ): Promise<ChangeDocument> {
    const [{ changeStack }, { exitCodeOf }, { interruption, talkAboutChange }] = await Promise.all([
      import("./apply/bring-up.ts"),
      import("./apply/report.ts"),
      import("./terminal/change.ts"),
    ]);
    const talk = talkAboutChange({ yes: flags.yes, json: this.jsonEnabled() });
    const report = await talk.during(
      changeStack({
        ...options,
        ...talk,
        command: `nexus ${this.id ?? ""}`,
        waitForLockMs: flags["wait-lock"] * 1000,
        signal: interruption(),
      }),
    );
    this.leaveWith(exitCodeOf(report));
    return { stack: options.stack, ...report };
  }
}
