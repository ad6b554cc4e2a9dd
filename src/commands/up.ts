import { Flags } from "@oclif/core";
import { surveyUp } from "../apply/survey.ts";
import { type ChangeDocument, ChangingCommand, changeFlags } from "../changing-command.ts";

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
    const { stack } = await this.loadOrOfferStack(flags);
    const engine = await this.connect(flags);
    const request = {
      engine,
      stack,
      version: this.config.version,
      ...(flags.pull === "always" ? { pull: "always" as const } : {}),
    };
    const document = await this.change(flags, {
      engine,
      stack: stack.name,
      survey: () => surveyUp(request),
    });
    if (process.exitCode === 0)
      this.note(
        `The API is at http://${stack.gateway.host}:${stack.gateway.port}/v1; the key is in .nexus/secrets/default.key.`,
      );
    return document;
  }
}
