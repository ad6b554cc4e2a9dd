import { Flags } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { removeUser } from "../../apply/users.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { agree } from "../../terminal/prompts.ts";
import { userArgs } from "../../user-command.ts";

/** What `nexus users rm --json` prints. */
export type RemovedUser = Readonly<{ stack: string; removed: string | null }>;

export default class UsersRm extends NexusCommand {
  static override summary = "Remove a user, and log them out.";
  static override description =
    "Takes the user from the gateway while it runs, and with them the hash of their password; what they have used stays in the books.";
  static override examples = [
    "<%= config.bin %> users rm ada",
    "<%= config.bin %> users rm ada --yes",
  ];
  static override args = userArgs;
  static override flags = {
    yes: Flags.boolean({ char: "y", description: "Do not ask." }),
  };

  async run(): Promise<RemovedUser> {
    const { args, flags } = await this.parse(UsersRm);
    const { stack } = await this.loadStack(flags);
    const message = `Remove the user ${args.name}? Their password cannot be brought back.`;
    if (!(await agree({ message, flag: "--yes", yes: flags.yes })))
      return { stack: stack.name, removed: null };
    const removed = await withGateway(await this.connect(flags), stack.name, (link) =>
      removeUser(link, args.name),
    );
    this.log(`Removed the user ${removed}.`);
    return { stack: stack.name, removed };
  }
}
