import { basename } from "node:path";
import { Flags } from "@oclif/core";
import { readStacks } from "../catalog/stacks.ts";
import { NexusCommand } from "../nexus-command.ts";
import { startStack } from "../stack/new-stack.ts";
import { chooseStack } from "../terminal/choose-stack.ts";

/** What `nexus init --json` prints. */
export type Initialised = Readonly<{ stack: string; file: string }>;

export default class Init extends NexusCommand {
  static override summary = "Write a stack file to start with.";
  static override description =
    "Writes nexus.yaml from a ready-made stack into this folder, and .nexus/ into .gitignore, for keys and secrets lie there. Never overwrites a stack file.";
  static override examples = [
    "<%= config.bin %> init",
    "<%= config.bin %> init --stack starter --name home",
  ];
  static override flags = {
    stack: Flags.string({
      description:
        "Ready-made stack: default (a private assistant), studio, vllm, voice, rag, monitoring, cpu-only or starter (no download).",
    }),
    name: Flags.string({ description: "Name of the stack; the ready-made one's when left out." }),
  };

  async run(): Promise<Initialised> {
    const { flags } = await this.parse(Init);
    const id = flags.stack ?? (await chooseStack(await readStacks()));
    const file = await startStack(
      process.cwd(),
      id,
      flags.name === undefined ? {} : { name: flags.name },
    );
    this.log(`Wrote ${basename(file)}, the ${id} stack.`);
    this.note("Next: look at it, then run `nexus up`.");
    return { stack: id, file };
  }
}
