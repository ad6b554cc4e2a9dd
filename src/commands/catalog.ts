import { Args } from "@oclif/core";
import { findTemplate, readCatalog } from "../catalog/catalog.ts";
import { NexusCommand } from "../nexus-command.ts";
import { formatCatalog, formatTemplate } from "../terminal/catalog.ts";
import { templateDocument, type TemplateDocument } from "../terminal/catalog-document.ts";
import { themeOf } from "../terminal/theme.ts";

export default class Catalog extends NexusCommand {
  static override summary = "List the ready-made services, or show one.";
  static override description =
    "Lists every template by the job it does, with the variant that fits the engine's hardware where an engine can be asked. With an id, or a word for what it does, shows that one: its variants with their conditions and images, options, secrets, licence, needs, alternatives, and where each fact is known from. Add it with `nexus add service`.";
  static override examples = [
    "<%= config.bin %> catalog",
    "<%= config.bin %> catalog ollama",
    "<%= config.bin %> catalog tts --json",
  ];
  static override args = {
    id: Args.string({
      ignoreStdin: true,
      description: "Template to show, by its id or what it does.",
    }),
  };

  async run(): Promise<Readonly<{ templates: readonly TemplateDocument[] }> | TemplateDocument> {
    const { args, flags } = await this.parse(Catalog);
    const catalog = await readCatalog();
    const found = args.id === undefined ? undefined : findTemplate(catalog, args.id);
    const machine = await this.knownMachine(flags);
    const theme = await themeOf(process.stdout);
    const page = { catalog, machine, theme, width: process.stdout.columns };
    this.show(found ? formatTemplate(found, page) : formatCatalog(page));
    if (found) return templateDocument(found, page);
    return { templates: catalog.map((template) => templateDocument(template, page)) };
  }
}
