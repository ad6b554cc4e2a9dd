import { Args, Flags } from "@oclif/core";
import { exitCodes } from "../errors.ts";
import { NexusCommand } from "../nexus-command.ts";
import { formatConformance } from "../terminal/conformance.ts";
import { stopSignal } from "../terminal/output.ts";
import { themeOf } from "../terminal/theme.ts";
import { serviceOrUrl } from "../verify/target.ts";
import type { Conformance } from "../verify/verify.ts";

export default class Verify extends NexusCommand {
  static override summary = "Check a service against the service contract.";
  static override description =
    "Asks a service of the running stack, or with --url one that runs anywhere, for everything that docs/SERVICE_API.md promises and that it claims itself, and prints a matrix: contract, honesty, endpoints, errors, streaming. A service of the stack is also started a second time, off the routing, and watched from its first moment, where that can do no harm. Exits 0 when nothing failed, 4 when something did.";
  static override examples = [
    "<%= config.bin %> verify ocr",
    "<%= config.bin %> verify --url http://localhost:9000 --name ocr",
    "<%= config.bin %> verify --url http://localhost:8000 --probe /health --provides chat --json",
  ];
  static override args = {
    service: Args.string({ ignoreStdin: true, description: "Service of the running stack." }),
  };
  static override flags = {
    url: Flags.string({ description: "Address of a service, in place of its name." }),
    name: Flags.string({ description: "With --url: the name its metadata must have." }),
    provides: Flags.string({
      description: "With --url: what it does, when its metadata does not say so.",
      multiple: true,
      delimiter: ",",
    }),
    model: Flags.string({
      description: "With --url: a model that it must list.",
      multiple: true,
      delimiter: ",",
    }),
    probe: Flags.string({
      description: "With --url: path that tells its readiness; for software without the contract.",
    }),
    copy: Flags.boolean({
      description: "Start a fresh copy and watch it; --no-copy leaves that out.",
      default: true,
      allowNo: true,
    }),
  };

  async run(): Promise<Conformance> {
    const { args, flags } = await this.parse(Verify);
    const target = serviceOrUrl(args.service, flags);
    const conformance = await target.verify({
      loadStack: () => this.loadStack(flags),
      connect: () => this.connect(flags),
      interruption: stopSignal,
    });
    this.show(formatConformance(conformance, await themeOf(process.stdout)));
    this.leaveWith(conformance.ok ? exitCodes.ok : exitCodes.notReady);
    return conformance;
  }
}
