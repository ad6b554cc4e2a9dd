/** The base of the commands that look at a stack: from its file when there is one, else from what the engine has. */
import { Flags } from "@oclif/core";
import { NexusCommand, type SharedFlags } from "./nexus-command.ts";
import type { Stack } from "./stack/stack.ts";

/** The flags of every command that looks at a stack. */
export const lookFlags = {
  "stack-name": Flags.string({
    description: "Look at the stack of this name on the engine, whatever the stack file says.",
  }),
};

/** A stack by name, with what is wanted of it when its file was read. */
export type Target = Readonly<{ name: string; stack?: Stack }>;

export abstract class LookingCommand extends NexusCommand {
  /** The stack that the flags mean. Throws what loading the stack file throws. */
  protected async target(
    flags: SharedFlags & Readonly<{ "stack-name"?: string | undefined }>,
  ): Promise<Target> {
    const name = flags["stack-name"];
    if (name !== undefined) return { name };
    const { stack } = await this.loadStack(flags);
    return { name: stack.name, stack };
  }
}
