import { withGateway } from "../../apply/gateway-access.ts";
import { changeUser, findUser } from "../../apply/users.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { newPassword, passwordFlags, userArgs } from "../../user-command.ts";
import type { OneUser } from "./add.ts";

export default class UsersPasswd extends NexusCommand {
  static override summary = "Give a user another password, and log them out.";
  static override description =
    "The old password stops working and all sessions of the user end at once.";
  static override examples = [
    "<%= config.bin %> users passwd ada",
    "<%= config.bin %> users passwd ada --password-file ada.txt",
  ];
  static override args = userArgs;
  static override flags = passwordFlags;

  async run(): Promise<OneUser> {
    const { args, flags } = await this.parse(UsersPasswd);
    const { stack } = await this.loadStack(flags);
    const user = await withGateway(await this.connect(flags), stack.name, async (link) => {
      const { name } = await findUser(link, args.name);
      return changeUser(link, name, { password: await newPassword(name, flags["password-file"]) });
    });
    this.log(`Changed the password of ${user.name}, who is logged out everywhere.`);
    return { stack: stack.name, user };
  }
}
