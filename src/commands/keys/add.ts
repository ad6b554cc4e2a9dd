import { Args, Flags } from "@oclif/core";
import { stageKey } from "../../apply/key-files.ts";
import { acceptKey, type MadeKey } from "../../apply/existing-key.ts";
import { addKey, expiryAfter, limitsOf, seesAddresses } from "../../apply/keys.ts";
import { withGateway } from "../../apply/gateway-access.ts";
import {
  addressesAsked,
  addressFlag,
  limitFlags,
  limitsAsked,
  modelFlag,
  modelsAsked,
  scopesAsked,
  unseenAddresses,
} from "../../key-command.ts";
import { NexusCommand } from "../../nexus-command.ts";

export default class KeysAdd extends NexusCommand {
  static override summary = "Make a key for the gateway and print it, once.";
  static override description =
    "The gateway keeps only a digest of the key. It works at once; nothing is restarted.";
  static override examples = [
    "<%= config.bin %> keys add laptop",
    "<%= config.bin %> keys add ci --model ollama/llama3.2:3b --expires 30d",
    "<%= config.bin %> keys add guest --rpm 20 --tpm 10000 --tokens-per-day 200000",
    "<%= config.bin %> keys add cron --allow-ip 127.0.0.1 --max-request-bytes 1MiB",
    "<%= config.bin %> keys add me --scope inference --scope admin --save",
    "<%= config.bin %> keys add gateway-token --existing",
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, required: true, description: "What to call it." }),
  };
  static override flags = {
    scope: Flags.string({
      description: "What it may do; can be given more than once.",
      options: ["inference", "admin"],
      multiple: true,
      default: ["inference"],
    }),
    model: modelFlag("A model it may use; all when left out. Can be given more than once."),
    ...limitFlags(1, "; not limited when left out"),
    "allow-ip": addressFlag(
      "An address or range it may be used from, such as 127.0.0.1 for this machine; all when left out. Can be given more than once.",
    ),
    expires: Flags.string({ description: "When it stops working: 12h, 30d, 8w or 1y from now." }),
    save: Flags.boolean({ description: "Also write it to .nexus/secrets/<name>.key." }),
    existing: Flags.boolean({
      description:
        "Make none: have the gateway accept the one that .nexus/secrets/<name>.key holds.",
      exclusive: ["save"],
    }),
  };

  async run(): Promise<MadeKey> {
    const { args, flags } = await this.parse(KeysAdd);
    const { stack } = await this.loadStack(flags);
    const expires =
      flags.expires === undefined ? {} : { expires_at: expiryAfter(flags.expires, new Date()) };
    const models = modelsAsked(flags.model);
    const limits = limitsOf(limitsAsked(flags));
    const addresses = addressesAsked(flags["allow-ip"]);
    const from = addresses && { allowed_ips: addresses };
    const rights = { ...(models && { models }), ...(limits && { limits }), ...from, ...expires };
    const wish = { name: args.name, scopes: scopesAsked(flags.scope), ...rights };
    const stage = (key: string) => stageKey(stack.directory, args.name, key);
    const made = await withGateway(await this.connect(flags), stack.name, async (link) => {
      if (addresses && !(await seesAddresses(link))) this.note(unseenAddresses);
      return flags.existing
        ? await acceptKey(link, wish, { folder: stack.directory })
        : await addKey(link, wish, flags.save ? { stage } : {});
    });
    if (made.key === undefined) {
      this.note(`The gateway accepts the key in ${made.file ?? ""}.`);
      return made;
    }
    this.log(made.key);
    this.note(
      made.file === undefined ? "This is the only time it is shown." : `Saved in ${made.file}.`,
    );
    return made;
  }
}
