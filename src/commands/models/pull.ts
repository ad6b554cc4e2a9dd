import { Args, Flags } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { findStore } from "../../apply/model-stores.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { keepsOnEngineDisk } from "../../plan/model-disk.ts";
import { DiskBook } from "../../readiness/disk-book.ts";
import { pullModel } from "../../readiness/models.ts";
import { showModelPull } from "../../terminal/model-pull.ts";

/** What `nexus models pull --json` prints. */
export type PulledModel = Readonly<{
  service: string;
  model: string;
  outcome: "present" | "pulled";
}>;

export default class ModelsPull extends NexusCommand {
  static override summary = "Fetch a model into a running service.";
  static override description =
    "The model can be used at once. To have `nexus up` see to it on every machine, list it under `models:` in the stack file.";
  static override examples = [
    "<%= config.bin %> models pull llama3.2:1b",
    "<%= config.bin %> models pull nomic-embed-text --service ollama",
  ];
  static override args = {
    model: Args.string({
      ignoreStdin: true,
      required: true,
      description: "The model's name in the store.",
    }),
  };
  static override flags = {
    service: Flags.string({
      description: "Service that is to have it; needed when several keep models.",
    }),
  };

  async run(): Promise<PulledModel> {
    const { args, flags } = await this.parse(ModelsPull);
    const { stack } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const { service, kind, upstream } = await findStore(engine, stack, flags.service);
    const { stallTimeoutMs, name, models: declared } = service;
    const onEngineDisk = keepsOnEngineDisk(service, stack);
    const pull = { upstream, model: args.model, stallTimeoutMs, declared };
    const shown = { ...pull, store: kind, service: name, onEngineDisk };
    const outcome = await withGateway(engine, stack.name, (link) =>
      showModelPull(shown, (onProgress) =>
        pullModel({
          ...pull,
          kind,
          link,
          onProgress,
          ...(onEngineDisk && { disk: new DiskBook() }),
        }),
      ),
    );
    this.log(
      outcome === "present"
        ? `${name} has ${args.model} already.`
        : `${name} has ${args.model} now.`,
    );
    return { service: name, model: args.model, outcome };
  }
}
