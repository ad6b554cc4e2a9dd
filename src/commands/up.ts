import { Flags } from "@oclif/core";
import { reviewGpus } from "../apply/review-gpus.ts";
import { surveyUp } from "../apply/survey.ts";
import { readStacks } from "../catalog/stacks.ts";
import { type ChangeDocument, ChangingCommand, changeFlags } from "../changing-command.ts";
import type { SharedFlags } from "../nexus-command.ts";
import { StackNotFoundError } from "../stack/errors.ts";
import type { LoadedStack } from "../stack/load.ts";
import { startStack } from "../stack/new-stack.ts";
import { chooseStack } from "../terminal/choose-stack.ts";
import { canAsk } from "../terminal/prompts.ts";

export default class Up extends ChangingCommand {
  static override summary = "Bring the stack up and wait until every service can really serve.";
  static override description =
    "Compares the stack file with what the engine has, changes only what differs, and exits 0 only when every service is at its level. An update that fails leaves the old container serving. Run it again at any time: it repairs what was interrupted, and changes nothing when there is nothing to change.";
  static override examples = [
    "<%= config.bin %> up",
    "<%= config.bin %> up --stack starter --yes",
    "<%= config.bin %> up --pull always --json",
  ];
  static override flags = {
    ...changeFlags,
    stack: Flags.string({
      description: "Ready-made stack to start from when there is no stack file yet.",
    }),
    pull: Flags.string({
      description: "`always` fetches images again even when they are there.",
      options: ["missing", "always"],
      default: "missing",
    }),
  };

  async run(): Promise<ChangeDocument> {
    const { flags } = await this.parse(Up);
    const { stack } = await this.loadOrOffer(flags);
    const engine = await this.connect(flags);
    const request = { engine, stack, version: this.config.version };
    const again = () => surveyUp(request);
    const document = await this.change(flags, {
      engine,
      stack: stack.name,
      review: (report) => reviewGpus(report, { engine, stack }),
      survey: flags.pull === "always" ? () => surveyUp({ ...request, pull: "always" }) : again,
      ...(flags.pull === "always" ? { lookAgain: again } : {}),
    });
    if (process.exitCode === 0)
      this.note(
        `API: http${stack.gateway.tls ? "s" : ""}://${stack.gateway.host}:${stack.gateway.port}/v1`,
      );
    return document;
  }

  /** In a folder without a stack file, starts one: the one named, or the one chosen when somebody can be asked. */
  private async loadOrOffer(
    flags: SharedFlags & Readonly<{ stack?: string | undefined }>,
  ): Promise<LoadedStack> {
    try {
      const loaded = await this.loadStack(flags);
      if (flags.stack !== undefined)
        this.note(
          `Using ${loaded.stack.file}, which is there already; --stack ${flags.stack} is for a folder without one.`,
        );
      return loaded;
    } catch (error) {
      const offer = error instanceof StackNotFoundError && flags.file === undefined;
      if (!offer || (flags.stack === undefined && !canAsk())) throw error;
      const id = flags.stack ?? (await chooseStack(await readStacks()));
      this.note(`Wrote ${await startStack(process.cwd(), id)}.`);
      return this.loadStack(flags);
    }
  }
}
