import { NexusCommand } from "../nexus-command.ts";
import { effectiveStack, formatEffective } from "../stack/format.ts";
import type { Origin } from "../stack/origins.ts";
import { paintYaml } from "../terminal/yaml.ts";
import { themeOf } from "../terminal/theme.ts";

/** What `nexus config --json` prints. */
export type ConfigDocument = Readonly<{
  file: string;
  stack: Readonly<Record<string, unknown>>;
  origins: readonly Pick<Origin, "path" | "from">[];
}>;

export default class Config extends NexusCommand {
  static override summary = "Show the effective stack, and where each value comes from.";
  static override description =
    "Prints the stack with templates, defaults, variables and profiles applied; every value is followed by its origin. The output is a valid stack file.";
  static override examples = [
    "<%= config.bin %> config",
    "<%= config.bin %> config --profile gpu --json",
  ];

  async run(): Promise<ConfigDocument> {
    const { flags } = await this.parse(Config);
    const { stack, origins } = await this.loadStack(flags);
    this.log(paintYaml(formatEffective(origins), await themeOf(process.stdout)).trimEnd());
    const places = origins.map(({ path, from }) => ({ path, from }));
    return { file: stack.file, stack: effectiveStack(origins), origins: places };
  }
}
