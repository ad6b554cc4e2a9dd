import { withGateway } from "../../apply/gateway-access.ts";
import { changeUser } from "../../apply/users.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { userArgs } from "../../user-command.ts";
import type { OneUser } from "./add.ts";

export default class UsersDisable extends NexusCommand {
  static override summary = "Let a user log in no more, and log them out.";
  static override description =
    "All sessions of the user end at once; requests under way are finished. `nexus users enable` lets them log in again.";
  static override examples = ["<%= config.bin %> users disable ada"];
  static override args = userArgs;

  async run(): Promise<OneUser> {
    const { args, flags } = await this.parse(UsersDisable);
    const { stack } = await this.loadStack(flags);
    const user = await withGateway(await this.connect(flags), stack.name, (link) =>
      changeUser(link, args.name, { disabled: true }),
    );
    this.log(`${user.name} can log in no more and is logged out everywhere.`);
    return { stack: stack.name, user };
  }
}
