import { Flags } from "@oclif/core";
import { surveyUp } from "../apply/survey.ts";
import { NexusCommand } from "../nexus-command.ts";
import { formatPlan } from "../plan/format.ts";
import type { Plan as StackPlan } from "../plan/plan.ts";

export default class Plan extends NexusCommand {
  static override summary =
    "Show what `nexus up` would change and what it would cost, without changing it.";
  static override description =
    "Prints every engine call that `nexus up` would make, why, and what it costs: downtime, streams cut, bytes to pull, data lost. Changes nothing.";
  static override examples = ["<%= config.bin %> plan", "<%= config.bin %> plan --json"];
  static override flags = {
    pull: Flags.string({
      description: "Plan for `up --pull` with this value.",
      options: ["missing", "always"],
      default: "missing",
    }),
    verbose: Flags.boolean({ description: "Also show the order and what each action waits for." }),
  };

  async run(): Promise<StackPlan> {
    const { flags } = await this.parse(Plan);
    const { stack } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const { plan } = await surveyUp({
      engine,
      stack,
      version: this.config.version,
      ...(flags.pull === "always" ? { pull: "always" } : {}),
    });
    this.show(formatPlan(plan, { verbose: flags.verbose }));
    return plan;
  }
}
