import { Flags } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { listStackModels, type ServiceModel } from "../../apply/model-stores.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { formatModels } from "../../terminal/models.ts";
import { themeOf } from "../../terminal/theme.ts";

/** What `nexus models ls --json` prints. */
export type ModelList = Readonly<{ stack: string; models: readonly ServiceModel[] }>;

export default class ModelsLs extends NexusCommand {
  static override summary = "List the models of the running services.";
  static override description =
    "Shows which models are there and which ones the stack file asks for. Sizes are known of services that keep models themselves.";
  static override examples = [
    "<%= config.bin %> models ls",
    "<%= config.bin %> models ls --service ollama --json",
  ];
  static override flags = {
    service: Flags.string({ description: "Only the models of this service." }),
  };

  async run(): Promise<ModelList> {
    const { flags } = await this.parse(ModelsLs);
    const { stack } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const models = await withGateway(engine, stack.name, (link) =>
      listStackModels({ engine, link, stack }, flags.service),
    );
    const theme = await themeOf(process.stdout);
    this.log(formatModels(models, { theme, nowMs: Date.now(), width: process.stdout.columns }));
    return { stack: stack.name, models };
  }
}
