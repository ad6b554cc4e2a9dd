import { withGateway } from "../../apply/gateway-access.ts";
import type { ListedKey } from "../../gateway/protocol.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { formatKeys } from "../../terminal/keys.ts";
import { themeOf } from "../../terminal/theme.ts";

/** What `nexus keys ls --json` prints. */
export type KeyList = Readonly<{ stack: string; keys: readonly Omit<ListedKey, "digest">[] }>;

export default class KeysLs extends NexusCommand {
  static override summary = "List the gateway's keys: their names and rights, never the keys.";
  static override description =
    "Lists what the gateway knows of its keys: scopes, models, limits, age, last use and expiry. It keeps only digests, so that no command can show a key again.";
  static override examples = ["<%= config.bin %> keys ls", "<%= config.bin %> keys ls --json"];

  async run(): Promise<KeyList> {
    const { flags } = await this.parse(KeysLs);
    const { stack } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const records = await withGateway(engine, stack.name, (link) => link.call({ op: "keys.list" }));
    this.log(formatKeys(records, { theme: await themeOf(process.stdout), nowMs: Date.now() }));
    return { stack: stack.name, keys: records.map(withoutDigest) };
  }
}

function withoutDigest({ digest: _digest, ...key }: ListedKey): Omit<ListedKey, "digest"> {
  return key;
}
