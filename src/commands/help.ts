import { loadHelpClass } from "@oclif/core";
import { NexusCommand } from "../nexus-command.ts";

export default class Help extends NexusCommand {
  static override summary = "Show how a command is used.";
  static override description =
    "The same as --help behind the command. Without a command, lists them all.";
  static override examples = ["<%= config.bin %> help up", "<%= config.bin %> help keys add"];
  static override strict = false;
  static override enableJsonFlag = false;

  async run(): Promise<void> {
    const { argv } = await this.parse(Help);
    const OclifHelp = await loadHelpClass(this.config);
    await new OclifHelp(this.config, this.config.pjson.oclif.helpOptions).showHelp(
      argv.map(String),
    );
  }
}
