import { Flags } from "@oclif/core";
import { surveyDown } from "../apply/survey-down.ts";
import { type ChangeDocument, ChangingCommand, changeFlags } from "../changing-command.ts";

export default class Down extends ChangingCommand {
  static override summary = "Stop the stack and remove its containers and networks; volumes stay.";
  static override description =
    "Works from the labels on the engine, so it needs no stack file: name the stack with --stack-name then. Data is kept unless you ask for --volumes.";
  static override examples = [
    "<%= config.bin %> down",
    "<%= config.bin %> down --volumes --yes",
    "<%= config.bin %> down --stack-name home",
  ];
  static override flags = {
    ...changeFlags,
    volumes: Flags.boolean({
      description: "Also remove the stack's volumes and all data in them; asks first.",
    }),
    "stack-name": Flags.string({ description: "Name of the stack, when its file is not here." }),
  };

  async run(): Promise<ChangeDocument> {
    const { flags } = await this.parse(Down);
    const stack = flags["stack-name"] ?? (await this.loadStack(flags)).stack.name;
    const engine = await this.connect(flags);
    return this.change(flags, {
      engine,
      stack,
      survey: () => surveyDown({ engine, stack, volumes: flags.volumes }),
    });
  }
}
