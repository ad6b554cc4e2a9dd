import { Args, Flags } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { editKey, seesAddresses } from "../../apply/keys.ts";
import {
  addressFlag,
  changesAsked,
  limitFlags,
  modelFlag,
  unseenAddresses,
} from "../../key-command.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { formatKeys } from "../../terminal/keys.ts";
import type { KeyList } from "./ls.ts";
import { themeOf } from "../../terminal/theme.ts";

export default class KeysEdit extends NexusCommand {
  static override summary = "Change what a key may do; the key itself stays.";
  static override description =
    "In force at once; what is left out stays as it is. What has been used of a limit stays used.";
  static override examples = [
    "<%= config.bin %> keys edit laptop --rpm 60 --tokens-per-day 200000",
    "<%= config.bin %> keys edit laptop --rpm 0 --model all --allow-ip all --expires never",
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "Name of the key." }),
  };
  static override flags = {
    ...limitFlags(0, "; 0 lifts the limit"),
    model: modelFlag("A model it may use, in place of those before; `all` for every one."),
    "allow-ip": addressFlag(
      "An address or range it may be used from, in place of those before; `all` for every one.",
      "all",
    ),
    scope: Flags.string({
      description: "What it may do, in place of what it could before; can be given more than once.",
      options: ["inference", "admin"],
      multiple: true,
    }),
    expires: Flags.string({
      description: "When it stops working: 12h, 30d, 8w or 1y from now, or `never`.",
    }),
  };

  async run(): Promise<KeyList> {
    const { args, flags } = await this.parse(KeysEdit);
    const { stack } = await this.loadStack(flags);
    const changes = changesAsked(flags, new Date());
    const { digest: _digest, ...key } = await withGateway(
      await this.connect(flags),
      stack.name,
      async (link) => {
        if (changes.allowed_ips && !(await seesAddresses(link))) this.note(unseenAddresses);
        return editKey(link, args.name, changes);
      },
    );
    this.log(formatKeys([key], { theme: await themeOf(process.stdout), nowMs: Date.now() }));
    return { stack: stack.name, keys: [key] };
  }
}
