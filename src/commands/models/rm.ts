import { basename } from "node:path";
import { Args, Flags } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { findStore } from "../../apply/model-stores.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { isSameModel, removeModel } from "../../readiness/models.ts";
import { agree } from "../../terminal/prompts.ts";

/** What `nexus models rm --json` prints. */
export type RemovedModel = Readonly<{ service: string; model: string; removed: boolean }>;

export default class ModelsRm extends NexusCommand {
  static override summary = "Remove a model from a running service.";
  static override description =
    "Frees its disk space. A model that the stack file lists is fetched again by the next `nexus up`.";
  static override examples = [
    "<%= config.bin %> models rm llama3.2:1b",
    "<%= config.bin %> models rm llama3.2:1b --service ollama --yes",
  ];
  static override args = {
    model: Args.string({
      ignoreStdin: true,
      required: true,
      description: "The model's name in the store.",
    }),
  };
  static override flags = {
    service: Flags.string({ description: "Service that has it; needed when several keep models." }),
    yes: Flags.boolean({ char: "y", description: "Do not ask." }),
  };

  async run(): Promise<RemovedModel> {
    const { args, flags } = await this.parse(ModelsRm);
    const { stack } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const { service, kind, upstream } = await findStore(engine, stack, flags.service);
    const message = `Remove ${args.model} from ${service.name}? Having it again means fetching it again.`;
    const document = { service: service.name, model: args.model };
    if (!(await agree({ message, flag: "--yes", yes: flags.yes })))
      return { ...document, removed: false };
    await withGateway(engine, stack.name, (link) =>
      removeModel({ kind, link, upstream, model: args.model }),
    );
    this.log(`Removed ${args.model} from ${service.name}.`);
    if (service.models.some((model) => isSameModel(model, args.model, kind)))
      this.note(
        `${service.name} is not ready without it: ${basename(stack.file)} lists it, so the next \`nexus up\` fetches it again.`,
      );
    return { ...document, removed: true };
  }
}
