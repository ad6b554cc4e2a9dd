import { Args, Flags } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { keyFile, readKey, stageKey } from "../../apply/key-files.ts";
import { type NewKey, rotateKey } from "../../apply/keys.ts";
import { NexusCommand } from "../../nexus-command.ts";

export default class KeysRotate extends NexusCommand {
  static override summary = "Replace a key by a new one with the same name and rights.";
  static override description =
    "The old key stops working and the new one is printed, once. A key that was saved in .nexus/secrets is replaced there too.";
  static override examples = [
    "<%= config.bin %> keys rotate default",
    "<%= config.bin %> keys rotate ci --json",
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "Name of the key." }),
  };
  static override flags = {
    save: Flags.boolean({
      description: "Write it to .nexus/secrets/<name>.key even if the old one was not there.",
    }),
  };

  async run(): Promise<NewKey> {
    const { args, flags } = await this.parse(KeysRotate);
    const { stack } = await this.loadStack(flags);
    const saved = (await readKey(keyFile(stack.directory, args.name))) !== undefined;
    const stage = (key: string) => stageKey(stack.directory, args.name, key);
    const made = await withGateway(await this.connect(flags), stack.name, (link) =>
      rotateKey(link, args.name, saved || flags.save ? { stage } : {}),
    );
    this.log(made.key);
    this.note(
      made.file === undefined ? "This is the only time it is shown." : `Saved in ${made.file}.`,
    );
    return made;
  }
}
