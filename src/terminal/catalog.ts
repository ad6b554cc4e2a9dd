/** The catalog as a table. Pure. */
import { capabilitiesOf, imagesOf, type Template } from "../catalog/template.ts";
import { table } from "./table.ts";
import type { Theme } from "./theme.ts";

/** What is shown of a template. */
export type CatalogRow = Readonly<{ id: string; provides: readonly string[]; description: string }>;

/** One line per template. */
export function formatCatalog(
  templates: readonly CatalogRow[],
  { theme, width }: Readonly<{ theme: Theme; width?: number | undefined }>,
): string {
  const rows = table(
    templates,
    [
      { title: "TEMPLATE", value: ({ id }) => id, paint: () => theme.strong },
      { title: "PROVIDES", value: ({ provides }) => provides.join(" ") },
      { title: "WHAT IT IS FOR", value: ({ description }) => description, shrink: true },
    ],
    { theme, width },
  );
  return `${rows}\n\n${theme.dim("nexus catalog <id> shows one; nexus add service <id> adds it to the stack.")}`;
}

/** Describes a template to people, in a few lines. */
export function formatTemplate(template: Template): string {
  const { id, title, description, homepage, licence, needs, options } = template;
  const images = imagesOf(template);
  const facts = [
    ["provides", capabilitiesOf(template).join(", ")],
    ["image", images.length === 0 ? "built from its own folder" : images.join(", ")],
    ["needs VRAM", needs.vram],
    ["needs disk", needs.disk],
    ["licence", licence],
    ["homepage", homepage],
    ...options.map((option) => [option.name, option.description]),
  ].filter(([, value]) => value);
  const width = Math.max(...facts.map(([name = ""]) => name.length));
  const lines = facts.map(([name = "", value = ""]) => `  ${name.padEnd(width)}  ${value}`);
  return [`${id}  ${title}`, `  ${description}`, "", ...lines].join("\n");
}
