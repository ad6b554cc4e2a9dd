import { Args, Flags } from "@oclif/core";
import { templateIds } from "../catalog/catalog.ts";
import { readStacks } from "../catalog/stacks.ts";
import { jobs } from "../catalog/template.ts";
import { NexusCommand, type SharedFlags } from "../nexus-command.ts";
import { completedCommands } from "../terminal/completed-commands.ts";
import { completionScript, type Shell } from "../terminal/completion.ts";

/** What `nexus completion --json` prints. */
export type CompletionDocument = Readonly<{ shell: Shell; script: string }>;

export default class Completion extends NexusCommand {
  static override summary = "Print the completion script for a shell.";
  static override description =
    "Completes commands, flags, services of the stack here, templates and ready-made stacks. Put the line of the example into your shell's start-up file.";
  static override examples = [
    "source <(<%= config.bin %> completion bash)",
    "source <(<%= config.bin %> completion zsh)",
    "<%= config.bin %> completion fish | source",
  ];
  static override args = {
    shell: Args.option({
      ignoreStdin: true,
      description: "The shell.",
      options: ["bash", "zsh", "fish"] as const,
    })({ default: "bash" }),
  };
  static override flags = {
    values: Flags.string({
      hidden: true,
      description: "Print words to complete with.",
      options: ["services", "templates", "stacks"],
    }),
  };

  async run(): Promise<CompletionDocument | undefined> {
    const { args, flags } = await this.parse(Completion);
    if (flags.values !== undefined) {
      this.log((await this.#values(flags.values, flags).catch(() => [])).join("\n"));
      return undefined;
    }
    const script = completionScript(args.shell, completedCommands(this.config.commands));
    this.log(script.trimEnd());
    return { shell: args.shell, script };
  }

  async #values(kind: string, flags: SharedFlags): Promise<readonly string[]> {
    if (kind === "templates") return [...jobs, ...(await templateIds())];
    if (kind === "stacks") return (await readStacks()).map(({ id }) => id);
    const { stack } = await this.loadStack(flags, async () => ({ architecture: "", gpus: [] }));
    return [...stack.services.map(({ name }) => name), "gateway"];
  }
}
