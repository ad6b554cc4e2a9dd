import { Flags } from "@oclif/core";
import { breakLock } from "../apply/lock.ts";
import { NexusCommand } from "../nexus-command.ts";

/** What `nexus unlock --json` prints. */
type Unlocked = Readonly<{ stack: string; released: boolean; owner?: unknown }>;

export default class Unlock extends NexusCommand {
  static override summary = "Release the lock of a stack whose holder is gone.";
  static override description =
    "Only one command changes a stack at a time. A lock whose holder died on this machine is taken over by itself; use this for a holder on another machine.";
  static override examples = [
    "<%= config.bin %> unlock",
    "<%= config.bin %> unlock --stack-name home",
  ];
  static override flags = {
    "stack-name": Flags.string({ description: "Name of the stack, when its file is not here." }),
  };

  async run(): Promise<Unlocked> {
    const { flags } = await this.parse(Unlock);
    const stack = flags["stack-name"] ?? (await this.loadStack(flags)).stack.name;
    const owner = await breakLock(await this.connect(flags), stack);
    this.log(
      owner
        ? `Released the lock that \`${owner.command}\` (${owner.user} on ${owner.host}) held on ${stack}.`
        : `Nobody holds a lock on ${stack}.`,
    );
    return { stack, released: owner !== undefined, ...(owner ? { owner } : {}) };
  }
}
