import { Args, Flags } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { findRemoval, findStore } from "../../apply/model-stores.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { removeModel } from "../../readiness/models.ts";
import { formatFreed, removalQuestion } from "../../terminal/models.ts";
import { agree } from "../../terminal/prompts.ts";

/** What `nexus models rm --json` prints. */
export type RemovedModel = Readonly<{
  service: string;
  model: string;
  removed: boolean;
  /** What the store says that the model takes. */
  sizeBytes?: number;
}>;

export default class ModelsRm extends NexusCommand {
  static override summary = "Remove a model from a running service.";
  static override description =
    "Frees its disk space, and touches nothing else. A model that the stack file lists or an alias leads to is kept, unless you say --force: then the next `nexus up` fetches it again.";
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
    force: Flags.boolean({ description: "Remove it though the stack asks for it; asks first." }),
    yes: Flags.boolean({ char: "y", description: "Do not ask." }),
  };

  async run(): Promise<RemovedModel> {
    const { args, flags } = await this.parse(ModelsRm);
    const { stack } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const store = await findStore(engine, stack, flags.service);
    const { service } = store;
    return await withGateway(engine, stack.name, async (link) => {
      const { force } = flags;
      const removal = await findRemoval({ link, stack, store }, { model: args.model, force });
      const { uses, ...document } = removal;
      const message = removalQuestion(removal);
      if (!(await agree({ message, flag: "--yes", yes: flags.yes })))
        return { ...document, removed: false };
      await removeModel({ ...store, link, model: args.model });
      this.log(`Removed ${args.model} from ${service.name}.${formatFreed(removal)}`);
      if (uses.services.length > 0)
        this.note(
          `${service.name} is not ready without it: the next \`nexus up\` fetches it again.`,
        );
      return { ...document, removed: true };
    });
  }
}
