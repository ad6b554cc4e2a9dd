/** The base of the commands that edit a stack file: the change is shown, agreed to, written, and brought up on wish. */
import { Flags } from "@oclif/core";
import { newestRunning } from "./apply/gateway-access.ts";
import { NexusCommand, type SharedFlags } from "./nexus-command.ts";
import { proposeChange, writeChange } from "./stack/new-stack.ts";
import type { Stack } from "./stack/stack.ts";
import { paintDiff } from "./terminal/diff.ts";
import { agree, canAsk, confirm } from "./terminal/prompts.ts";
import { themeOf } from "./terminal/theme.ts";

/** The flags of every command that edits a stack file. */
export const editFlags = {
  yes: Flags.boolean({ char: "y", description: "Answer yes to every question." }),
  "dry-run": Flags.boolean({ description: "Show the change and write nothing." }),
  up: Flags.boolean({
    description: "Bring the change up when the stack is running; asked when left out.",
    allowNo: true,
  }),
};

/** The flags, parsed. */
export type EditFlags = SharedFlags &
  Readonly<{ yes: boolean; "dry-run": boolean; up?: boolean | undefined }>;

/** An edit that nobody has agreed to yet. */
export type StackEdit = Readonly<{
  stack: Stack;
  service: string;
  edit: (text: string) => string;
  question: string;
  /** Writes what the new entry names, once agreed; resolves with the paths. */
  writeFirst?: () => Promise<readonly string[]>;
}>;

/** What an edit prints with `--json`. */
export type EditDocument = Readonly<{
  service: string;
  file: string;
  diff: string;
  written: boolean;
  /** What `nexus up` made of it, when it was run. */
  up?: unknown;
}>;

export abstract class EditingCommand extends NexusCommand {
  /** Shows the change, asks, writes it, and offers to bring it up. */
  protected async edit(flags: EditFlags, change: StackEdit): Promise<EditDocument> {
    const { stack, service, edit, question, writeFirst } = change;
    const proposal = await proposeChange(stack.file, edit);
    const document = { service, file: stack.file, diff: proposal.diff };
    this.log(paintDiff(proposal.diff, await themeOf(process.stdout)));
    const agreed =
      !flags["dry-run"] && (await agree({ message: question, flag: "--yes", yes: flags.yes }));
    if (!agreed) return { ...document, written: false };
    for (const file of (await writeFirst?.()) ?? []) this.note(`Wrote ${file}.`);
    await writeChange(proposal);
    this.note(`Wrote ${stack.file}.`);
    const up = (await this.#wantsUp(flags, stack)) ? { up: await this.#bringUp(flags) } : {};
    return { ...document, written: true, ...up };
  }

  async #wantsUp(flags: EditFlags, stack: Stack): Promise<boolean> {
    if (flags.up !== undefined) return flags.up;
    if (!(await this.#isRunning(flags, stack.name))) {
      this.note("Next: nexus up");
      return false;
    }
    if (flags.yes) return true;
    if (canAsk())
      return confirm({
        message: "The stack is running. Bring the change up now?",
        flag: "--up",
        default: true,
      });
    this.note("The stack is running: bring the change up with `nexus up`.");
    return false;
  }

  /** An engine that cannot be reached runs nothing: the edit is done all the same. */
  async #isRunning(flags: EditFlags, stack: string): Promise<boolean> {
    try {
      const engine = await this.connect(flags);
      const { containers } = await engine.observe(stack, []);
      return newestRunning(containers) !== undefined;
    } catch {
      return false;
    }
  }

  #bringUp(flags: EditFlags): Promise<unknown> {
    const words = [
      ...(flags.file === undefined ? [] : ["--file", flags.file]),
      ...(flags.context === undefined ? [] : ["--context", flags.context]),
      ...(flags.profile ?? []).flatMap((profile) => ["--profile", profile]),
      ...(flags.yes ? ["--yes"] : []),
    ];
    return this.config.runCommand("up", words);
  }
}
