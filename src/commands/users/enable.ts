import { withGateway } from "../../apply/gateway-access.ts";
import { changeUser } from "../../apply/users.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { userArgs } from "../../user-command.ts";
import type { OneUser } from "./add.ts";

export default class UsersEnable extends NexusCommand {
  static override summary = "Let a user who was disabled log in again.";
  static override description =
    "The password is the one from before; sessions from before stay ended.";
  static override examples = ["<%= config.bin %> users enable ada"];
  static override args = userArgs;

  async run(): Promise<OneUser> {
    const { args, flags } = await this.parse(UsersEnable);
    const { stack } = await this.loadStack(flags);
    const user = await withGateway(await this.connect(flags), stack.name, (link) =>
      changeUser(link, args.name, { disabled: false }),
    );
    this.log(`${user.name} can log in.`);
    return { stack: stack.name, user };
  }
}
