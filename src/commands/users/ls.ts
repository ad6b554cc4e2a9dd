import { withGateway } from "../../apply/gateway-access.ts";
import type { ListedUser } from "../../gateway/user.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { themeOf } from "../../terminal/theme.ts";
import { formatUsers } from "../../terminal/users.ts";

/** What `nexus users ls --json` prints. */
export type UserList = Readonly<{ stack: string; users: readonly ListedUser[] }>;

export default class UsersLs extends NexusCommand {
  static override summary = "List the users who may log in at the gateway.";
  static override description =
    "Lists what the gateway tells of its users: their rights, whether they may log in, and how many sessions of theirs are open. It never tells anything of a password.";
  static override examples = ["<%= config.bin %> users ls", "<%= config.bin %> users ls --json"];

  async run(): Promise<UserList> {
    const { flags } = await this.parse(UsersLs);
    const { stack } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const users = await withGateway(engine, stack.name, (link) => link.call({ op: "users.list" }));
    const theme = await themeOf(process.stdout);
    this.log(formatUsers(users, { theme, nowMs: Date.now(), width: process.stdout.columns }));
    return { stack: stack.name, users };
  }
}
