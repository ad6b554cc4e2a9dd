import { Args } from "@oclif/core";
import { surveyRestart } from "../apply/survey-down.ts";
import { type ChangeDocument, ChangingCommand, changeFlags } from "../changing-command.ts";

export default class Restart extends ChangingCommand {
  static override summary = "Stop and start services and wait until they can serve again.";
  static override description =
    "Restarts the named services, or all of them, in dependency order and exits 0 only when each is at its level again. It applies no change of the stack file: `nexus up` does that.";
  static override examples = ["<%= config.bin %> restart ollama", "<%= config.bin %> restart"];
  static override strict = false;
  static override args = {
    service: Args.string({
      description: "Service to restart; all when left out.",
      ignoreStdin: true,
    }),
  };
  static override flags = changeFlags;

  async run(): Promise<ChangeDocument> {
    const { flags, argv } = await this.parse(Restart);
    const { stack } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const services = argv.map(String);
    return this.change(flags, {
      engine,
      stack: stack.name,
      survey: () => surveyRestart({ engine, stack, services }),
    });
  }
}
