import { Args, Flags } from "@oclif/core";
import { readStackStatus, type StackStatus } from "../apply/stack-status.ts";
import { exitCodes } from "../errors.ts";
import { LookingCommand, lookFlags } from "../looking-command.ts";
import { formatStatus } from "../terminal/status.ts";
import { themeOf } from "../terminal/theme.ts";

export default class Status extends LookingCommand {
  static override summary = "Show how every service is, and why.";
  static override description =
    "Exits 0 when every service is at its level and 4 when one is not. Without a stack file, name the stack with --stack-name. With --watch, goes on until Ctrl-C: on a terminal the table is repainted, elsewhere every change is printed.";
  static override examples = [
    "<%= config.bin %> status",
    "<%= config.bin %> status ollama --json",
    "<%= config.bin %> status --watch",
  ];
  static override strict = false;
  static override args = {
    service: Args.string({
      ignoreStdin: true,
      description: "Service to show, or `gateway`; all when left out.",
    }),
  };
  static override flags = {
    ...lookFlags,
    watch: Flags.boolean({ char: "w", description: "Show every change until Ctrl-C." }),
  };

  async run(): Promise<StackStatus | undefined> {
    const { flags, argv } = await this.parse(Status);
    const question = {
      ...(await this.target(flags)),
      engine: await this.connect(flags),
      services: argv.map(String),
    };
    if (flags.watch) {
      const { watchStatus } = await import("../terminal/watch-status.ts");
      return watchStatus(question, { json: this.jsonEnabled() });
    }
    const status = await readStackStatus(question);
    const theme = await themeOf(process.stdout);
    this.show(formatStatus(status, { theme, nowMs: Date.now(), width: process.stdout.columns }));
    this.leaveWith(status.ok ? exitCodes.ok : exitCodes.notReady);
    return status;
  }
}
