import { Args, Flags } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { forgetKey } from "../../apply/key-files.ts";
import { removeKey } from "../../apply/keys.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { agree } from "../../terminal/prompts.ts";

/** What `nexus keys rm --json` prints. */
export type RemovedKey = Readonly<{ stack: string; removed: string | null }>;

export default class KeysRm extends NexusCommand {
  static override summary = "Remove a key: it stops working at once.";
  static override description =
    "Takes the key from the gateway while it runs; requests under way are finished. A copy saved under .nexus/secrets is removed with it.";
  static override examples = [
    "<%= config.bin %> keys rm laptop",
    "<%= config.bin %> keys rm ci --yes",
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "Name of the key." }),
  };
  static override flags = {
    yes: Flags.boolean({ char: "y", description: "Do not ask." }),
  };

  async run(): Promise<RemovedKey> {
    const { args, flags } = await this.parse(KeysRm);
    const { stack } = await this.loadStack(flags);
    const message = `Remove the key ${args.name}? Whoever uses it is locked out at once.`;
    if (!(await agree({ message, flag: "--yes", yes: flags.yes })))
      return { stack: stack.name, removed: null };
    await withGateway(await this.connect(flags), stack.name, (link) => removeKey(link, args.name));
    await forgetKey(stack.directory, args.name);
    this.log(`Removed the key ${args.name}.`);
    return { stack: stack.name, removed: args.name };
  }
}
