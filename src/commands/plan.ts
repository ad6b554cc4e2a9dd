import { Flags } from "@oclif/core";
import { surveyUp } from "../apply/survey.ts";
import { NexusCommand } from "../nexus-command.ts";
import { explainGpus, type GpuExplanation } from "../plan/explain-gpus.ts";
import { formatPlan } from "../plan/format.ts";
import type { Plan as StackPlan } from "../plan/plan.ts";
import {
  explanationDocument,
  formatExplanation,
  type ServiceExplanation,
} from "../terminal/explanation.ts";

/** What `nexus plan --json` prints; `explanation` only with `--explain`. */
export type PlanDocument = StackPlan & Readonly<{ explanation?: readonly ServiceExplanation[] }>;

export default class Plan extends NexusCommand {
  static override summary =
    "Show what `nexus up` would change and what it would cost, without changing it.";
  static override description =
    "Prints every engine call that `nexus up` would make, why, and what it costs: downtime, streams cut, bytes to pull, data lost. With --explain, also why every service from a template runs in the variant and on the GPUs that it does. Changes nothing.";
  static override examples = [
    "<%= config.bin %> plan",
    "<%= config.bin %> plan --explain",
    "<%= config.bin %> plan --json",
  ];
  static override flags = {
    pull: Flags.string({
      description: "Plan for `up --pull` with this value.",
      options: ["missing", "always"],
      default: "missing",
    }),
    explain: Flags.boolean({
      description: "Also show how the variant of every template was chosen, and GPUs given out.",
    }),
    verbose: Flags.boolean({ description: "Also show the order and what each action waits for." }),
  };

  async run(): Promise<PlanDocument> {
    const { flags } = await this.parse(Plan);
    const { stack, choices } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const pull = flags.pull === "always" ? ({ pull: "always" } as const) : {};
    const wanted = { engine, stack, version: this.config.version, ...pull };
    const explain = (gpus: readonly GpuExplanation[]): void => {
      const reasons = formatExplanation({ choices, gpus });
      if (flags.explain && reasons !== "") this.show(`${reasons}\n`);
    };
    const { plan, input } = await surveyUp(wanted).catch((refusal: unknown) => {
      explain([]);
      throw refusal;
    });
    const gpus = flags.explain ? explainGpus(input) : [];
    explain(gpus);
    this.show(formatPlan(plan, { verbose: flags.verbose }));
    return flags.explain ? { ...plan, explanation: explanationDocument({ choices, gpus }) } : plan;
  }
}
