/** Writes docs/CATALOG.md from the templates. Pure. */
import type { Catalog } from "../src/catalog/catalog.ts";
import { templatesFor } from "../src/catalog/choose-template.ts";
import { jobs, type Template } from "../src/catalog/template.ts";
import {
  jobsOf,
  templateDocument,
  type TemplateDocument,
} from "../src/terminal/catalog-document.ts";

const head = `# The catalog

Every ready-made service, written from the templates by \`npm run docs\`. \`nexus catalog\` shows the same with what fits your engine;
[TEMPLATES.md](TEMPLATES.md) says how one is written.

\`nexus add service <job>\` takes the first of a job's templates that fits the hardware; \`nexus add service <id>\` takes that one.
`;

/** The page: jobs with those who do them, then every template in the order of their ids. */
export function catalogPage(catalog: Catalog): string {
  const rows = jobs.map((job) => `| \`${job}\` | ${workers(catalog, job)} |`);
  const others = catalog.filter((template) => jobsOf(template).length === 0).map(link);
  const index = ["| job | templates, the first choice first |", "| --- | --- |", ...rows];
  const sections = catalog.map((template) =>
    section(templateDocument(template, { catalog, machine: undefined })),
  );
  return `${[head + "\n" + index.join("\n"), `For something else: ${others.join(", ")}.`, ...sections].join("\n\n")}\n`;
}

function workers(catalog: Catalog, job: (typeof jobs)[number]): string {
  return templatesFor(catalog, job)
    .map((template) => `${link(template)}: ${template.jobs[job]?.because ?? ""}`)
    .join("<br>");
}

function link({ id }: Pick<Template, "id">): string {
  return `[${id}](#${id})`;
}

function section(template: TemplateDocument): string {
  const { id, title, description, missing } = template;
  return [
    `## ${id}`,
    `**${title}.** ${description}`,
    ...(missing === null ? [] : [`It cannot be added: ${missing}`]),
    facts(template),
    ...(template.variants.length > 0 ? [variants(template)] : []),
    ...(template.options.length > 0 ? [options(template)] : []),
    `Known from: ${template.provenance.map(({ fact, source }) => `${fact} (${source})`).join("; ")}.`,
  ].join("\n\n");
}

function facts(template: TemplateDocument): string {
  const { provides, models, image, variants: rows, needs, licence, homepage, secrets } = template;
  const named = [
    ["provides", provides.join(", ")],
    ["models it begins with", models.join(", ")],
    ["image", rows.length > 0 ? "" : (image ?? "")],
    ["GPU memory", needs.vram],
    ["disk", needs.disk],
    ["secrets", secrets.map(({ name, description }) => `\`${name}\`: ${description}`).join(" ")],
    ["brings", template.companions.join(", ")],
    ["licence", licence],
    ["home page", `<${homepage}>`],
  ];
  return named
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `- ${name}: ${value}`)
    .join("\n");
}

function variants({ variants: rows }: TemplateDocument): string {
  const lines = rows.map(({ name, when, image, because }) => {
    const { architecture, ...rest } = when;
    const conditions = [
      ...Object.entries(rest).map(([what, text]) => `${what} ${text}`),
      ...(architecture === undefined ? [] : [architecture.replaceAll(" ", " or ")]),
    ];
    const shown = image === null ? "built from the template's folder" : `\`${image}\``;
    return `| ${name} | ${conditions.join(", ") || "any other machine"} | ${shown} | ${cell(because)} |`;
  });
  return ["| variant | when | image | because |", "| --- | --- | --- | --- |", ...lines].join("\n");
}

function options({ options: rows }: TemplateDocument): string {
  const lines = rows.map(
    ({ name, description, default: given }) =>
      `| \`${name}\` | ${cell(description)} | ${cell(given ?? "")} |`,
  );
  return ["| environment | meaning | default |", "| --- | --- | --- |", ...lines].join("\n");
}

function cell(text: string): string {
  return text.replaceAll(/[|<]/g, "\\$&");
}
