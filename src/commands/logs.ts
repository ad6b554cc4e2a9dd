import { Args, Flags } from "@oclif/core";
import { selectServices, servicesOf } from "../apply/selection.ts";
import { isOneOf, readStackLogs } from "../engine/stack-logs.ts";
import { LookingCommand, lookFlags } from "../looking-command.ts";
import { asJson, asText, logLook, logRange } from "../terminal/logs.ts";
import { printLines, stopSignal } from "../terminal/output.ts";

export default class Logs extends LookingCommand {
  static override summary = "Show what services print, in the order of time.";
  static override description =
    "Merges the logs of the named services, or of all of them and the gateway. With --follow, restarts and replacements are followed too. With --json, prints one JSON document per line.";
  static override examples = [
    "<%= config.bin %> logs",
    "<%= config.bin %> logs ollama gateway --follow --tail 50",
    "<%= config.bin %> logs --since 10m --timestamps",
  ];
  static override strict = false;
  /** Here `-f` follows, as everywhere else logs are read; the stack file is `--file`. */
  static override baseFlags = {
    ...LookingCommand.baseFlags,
    file: Flags.string({ description: "Stack file.", helpGroup: "GLOBAL", env: "NEXUS_FILE" }),
  };
  static override args = {
    service: Args.string({
      ignoreStdin: true,
      description: "Service to show, or `gateway`; all when left out.",
    }),
  };
  static override flags = {
    ...lookFlags,
    follow: Flags.boolean({ char: "f", description: "Go on with what comes, until Ctrl-C." }),
    since: Flags.string({
      description: "Only lines since then: 10m, 2h, or 2026-01-31T12:00:00Z.",
    }),
    until: Flags.string({ description: "Only lines until then." }),
    tail: Flags.integer({
      char: "n",
      min: 0,
      description: "Only this many lines of each container.",
    }),
    timestamps: Flags.boolean({ char: "t", description: "Show when each line was printed." }),
    "no-prefix": Flags.boolean({ description: "Do not say whose each line is." }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Logs);
    const { name, stack } = await this.target(flags);
    const engine = await this.connect(flags);
    const { containers } = await engine.observe(name, []);
    const known = [
      ...servicesOf(containers),
      ...(stack?.services ?? []).map((service) => service.name),
    ];
    const services = selectServices(argv.map(String), [...new Set(known)]);
    const lines = readStackLogs(
      engine,
      { stack: name, ...logRange(flags), wants: isOneOf(services) },
      stopSignal(),
    );
    await printLines(
      this.jsonEnabled() ? asJson(lines) : asText(lines, await logLook(flags, services)),
    );
  }
}
