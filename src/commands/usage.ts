import { Flags } from "@oclif/core";
import { withGateway } from "../apply/gateway-access.ts";
import type { UsageReport } from "../gateway/protocol.ts";
import { NexusCommand } from "../nexus-command.ts";
import { parseMoment } from "../terminal/logs.ts";
import { themeOf } from "../terminal/theme.ts";
import { formatUsage, ledgerProblems } from "../terminal/usage-report.ts";

/** What `nexus usage --json` prints. */
export type UsageDocument = Readonly<{ stack: string } & UsageReport>;

export default class Usage extends NexusCommand {
  static override summary = "Show who used how much: requests and tokens.";
  static override description =
    "The gateway sums the requests and tokens of every key, model, service and endpoint by the hour. Tokens are those that upstreams tell, and estimated for streams that told none.";
  static override examples = [
    "<%= config.bin %> usage",
    "<%= config.bin %> usage --since 24h --by model",
    "<%= config.bin %> usage --since 2026-11-01 --by day --json",
  ];
  static override flags = {
    since: Flags.string({
      description: "From when on: 24h, 7d or 2026-11-01 (UTC).",
      default: "30d",
    }),
    by: Flags.option({
      description: "What to sum by.",
      options: ["key", "model", "service", "endpoint", "day"] as const,
      default: "key" as const,
    })(),
  };

  async run(): Promise<UsageDocument> {
    const { flags } = await this.parse(Usage);
    const since = parseMoment(flags.since, new Date());
    const { stack } = await this.loadStack(flags);
    const report = await withGateway(await this.connect(flags), stack.name, (link) =>
      link.call({ op: "usage", since, by: flags.by }),
    );
    const theme = await themeOf(process.stdout);
    this.log(formatUsage(report, { theme, width: process.stdout.columns }));
    for (const problem of ledgerProblems(report)) this.note(`Warning: ${problem}`);
    return { stack: stack.name, ...report };
  }
}
