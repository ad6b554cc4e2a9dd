import { Flags } from "@oclif/core";
import { composeText } from "../../migrate/compose/export.ts";
import { writeNew } from "../../migrate/compose/write-new.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { readVariables } from "../../stack/read-files.ts";

/** What `nexus export compose --json` prints. */
export type ExportDocument = Readonly<{ name: string; compose: string; file?: string }>;

export default class ExportCompose extends NexusCommand {
  static override summary = "Write the stack as a Compose file that runs without Nexus.";
  static override description =
    "Prints a plain Compose file of the effective stack: the same images, volumes, limits and hardening; secrets are named by their files, and values that came from variables or env files stay variables. The gateway is not part of it. `nexus migrate --from compose` reads it back into the same stack.";
  static override examples = [
    "<%= config.bin %> export compose",
    "<%= config.bin %> export compose --output compose.yaml",
  ];
  static override flags = {
    output: Flags.string({ description: "File to write; one that is there is never overwritten." }),
  };

  async run(): Promise<ExportDocument> {
    const { flags } = await this.parse(ExportCompose);
    const loaded = await this.loadStack(flags);
    const { name, directory } = loaded.stack;
    const compose = composeText(loaded, await readVariables(directory, process.env));
    if (flags.output === undefined) {
      this.log(compose.trimEnd());
      return { name, compose };
    }
    await writeNew(flags.output, compose);
    this.note(`Wrote ${flags.output}. It runs with \`docker compose up\`.`);
    return { name, compose, file: flags.output };
  }
}
