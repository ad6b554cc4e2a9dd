import { Flags } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { createUser, type PlainUser, userNameOf } from "../../apply/users.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { newPassword, passwordFlags, userArgs } from "../../user-command.ts";

/** What the commands that make or change one user print with `--json`. */
export type OneUser = Readonly<{ stack: string; user: PlainUser }>;

export default class UsersAdd extends NexusCommand {
  static override summary = "Make a user who logs in at the gateway with a password.";
  static override description =
    "The user may log in at once, with POST /v1/sessions; what they use is booked to their name. The password is hashed here; it is never an argument, and the gateway is never told it.";
  static override examples = [
    "<%= config.bin %> users add ada",
    "<%= config.bin %> users add ada --admin --password-file ada.txt",
    "pass show nexus/ada | <%= config.bin %> users add ada --password-file -",
  ];
  static override args = userArgs;
  static override flags = {
    admin: Flags.boolean({
      description: "The user may also use services' own interfaces.",
      default: false,
    }),
    ...passwordFlags,
  };

  async run(): Promise<OneUser> {
    const { args, flags } = await this.parse(UsersAdd);
    const { stack } = await this.loadStack(flags);
    const name = userNameOf(args.name);
    const password = await newPassword(name, flags["password-file"]);
    const wish = { name, admin: flags.admin, password };
    const user = await withGateway(await this.connect(flags), stack.name, (link) =>
      createUser(link, wish),
    );
    this.log(`Added the user ${name}.`);
    return { stack: stack.name, user };
  }
}
