import { Flags } from "@oclif/core";
import { breakLock, type LockOwner, readLock } from "../apply/lock.ts";
import { isAlive } from "../apply/owner.ts";
import { NexusCommand } from "../nexus-command.ts";
import { agree } from "../terminal/prompts.ts";

/** What `nexus unlock --json` prints. */
type Unlocked = Readonly<{ stack: string; released: boolean; owner?: unknown }>;

export default class Unlock extends NexusCommand {
  static override summary = "Release the lock of a stack whose holder is gone.";
  static override description =
    "Only one command changes a stack at a time. A lock whose holder died on this machine is taken over by itself; use this for a holder on another machine. While the holder is seen to run, it asks first.";
  static override examples = [
    "<%= config.bin %> unlock",
    "<%= config.bin %> unlock --stack-name home",
    "<%= config.bin %> unlock --yes",
  ];
  static override flags = {
    "stack-name": Flags.string({ description: "Name of the stack, when its file is not here." }),
    yes: Flags.boolean({ char: "y", description: "Do not ask, though the holder runs." }),
  };

  async run(): Promise<Unlocked> {
    const { flags } = await this.parse(Unlock);
    const stack = flags["stack-name"] ?? (await this.loadStack(flags)).stack.name;
    const engine = await this.connect(flags);
    const holder = await readLock(engine, stack);
    if (holder && !(await mayTake(holder, flags.yes))) return { stack, released: false };
    const owner = await breakLock(engine, stack);
    this.log(
      owner
        ? `Released the lock that \`${owner.command}\` (${owner.user} on ${owner.host}) held on ${stack}.`
        : `Nobody holds a lock on ${stack}.`,
    );
    return { stack, released: owner !== undefined, ...(owner ? { owner } : {}) };
  }
}

/** Whoever runs here and now would go on beside the next command. */
async function mayTake(holder: LockOwner, yes: boolean): Promise<boolean> {
  if ((await isAlive(holder)) !== "alive") return true;
  const message = `\`${holder.command}\` still runs here (process ${holder.pid}) and would go on changing the stack. Release its lock all the same?`;
  return agree({ message, flag: "--yes", yes });
}
