import { Args } from "@oclif/core";
import { findTemplate, readCatalog } from "../catalog/catalog.ts";
import { capabilitiesOf, type Template } from "../catalog/template.ts";
import { NexusCommand } from "../nexus-command.ts";
import { formatCatalog, formatTemplate } from "../terminal/catalog.ts";
import { themeOf } from "../terminal/theme.ts";

export default class Catalog extends NexusCommand {
  static override summary = "List the ready-made services, or show one.";
  static override description =
    "Lists every template with what it provides. With a name, or a word for what it does, shows that one: image, port, variants for the hardware. Add it with `nexus add service`.";
  static override examples = [
    "<%= config.bin %> catalog",
    "<%= config.bin %> catalog ollama",
    "<%= config.bin %> catalog chat",
  ];
  static override args = {
    id: Args.string({
      ignoreStdin: true,
      description: "Template to show, by its id or what it does.",
    }),
  };

  async run(): Promise<Readonly<{ templates: readonly Template[] }> | Template> {
    const { args } = await this.parse(Catalog);
    const templates = await readCatalog();
    if (args.id === undefined) {
      const rows = templates.map((each) => ({ ...each, provides: capabilitiesOf(each) }));
      this.show(
        formatCatalog(rows, {
          theme: await themeOf(process.stdout),
          width: process.stdout.columns,
        }),
      );
      return { templates };
    }
    const template = findTemplate(templates, args.id);
    this.show(`${formatTemplate(template)}\n\nAdd it with: nexus add service ${template.id}`);
    return template;
  }
}
