/** The catalog as tables. Pure. */
import type { Catalog } from "../catalog/catalog.ts";
import { candidateOf, templatesFor } from "../catalog/choose-template.ts";
import type { Machine } from "../catalog/machine.ts";
import { capabilitiesOf, imagesOf, jobs, type Template } from "../catalog/template.ts";
import { alternativesTo, conditionsOf, jobsOf, templateDocument } from "./catalog-document.ts";
import { table } from "./table.ts";
import type { Theme } from "./theme.ts";

/** What a page is drawn for; without a machine nothing is said of what fits. */
export type CatalogPage = Readonly<{
  catalog: Catalog;
  machine?: Machine | undefined;
  theme: Theme;
  width?: number | undefined;
}>;

type Row = Readonly<{ job: string; template: Template; here: string; purpose: string }>;

/** One line per job and template that does it, best first, then those that do something else. */
export function formatCatalog(page: CatalogPage): string {
  const { catalog, theme, width } = page;
  const byJob = jobs.map((job) => ({ job, templates: templatesFor(catalog, job) }));
  const others = catalog.filter((template) => jobsOf(template).length === 0);
  const rows = [...byJob, { job: "others", templates: others }].flatMap(({ job, templates }) =>
    templates.map((template, at) => rowOf(template, at === 0 ? job : "", page)),
  );
  const lines = table(
    rows,
    [
      { title: "JOB", value: ({ job }) => job, paint: () => theme.accent },
      { title: "TEMPLATE", value: ({ template }) => template.id, paint: () => theme.strong },
      { title: "HERE", value: ({ here }) => here, paint: ({ here }) => paintOf(here, theme) },
      {
        title: "PROVIDES",
        value: ({ template }) => capabilitiesOf(template).join(" "),
        spare: true,
      },
      { title: "WHAT IT IS FOR", value: ({ purpose }) => purpose, shrink: true },
    ],
    { theme, width },
  );
  return `${lines}\n\n${theme.dim("nexus catalog <id> shows one; nexus add service <job> adds the best that fits, nexus add service <id> that one.")}`;
}

function rowOf(template: Template, job: string, { machine }: CatalogPage): Row {
  return { job, template, here: hereOf(template, machine), purpose: template.description };
}

/** The variant that the machine gets, or why there is none. */
function hereOf(template: Template, machine: Machine | undefined): string {
  if (template.missing !== undefined) return "✘ no image";
  if (!machine) return "";
  const { choice } = candidateOf(template, machine);
  if (choice.kind === "refused") return "✘ does not fit";
  return `✔ ${choice.variant?.name ?? "any"}`;
}

function paintOf(here: string, theme: Theme): Theme["good"] {
  return here.startsWith("✔") ? theme.good : theme.dim;
}

/** One template: facts, variants, options, secrets and where all that is known from. */
export function formatTemplate(template: Template, page: CatalogPage): string {
  const { id, title, description, missing, options, secrets, provenance } = template;
  const blocks = [
    [`${page.theme.strong(id)}  ${title}`, `  ${description}`].join("\n"),
    ...(missing === undefined ? [] : [`  It cannot be added: ${missing}`]),
    pairs(factsOf(template, page.catalog)),
    variantTable(template, page),
    titled(
      "Options, under `environment`",
      options.map(({ name, description: text, default: given }) => [
        name,
        given === undefined ? text : `${text} (${given})`,
      ]),
    ),
    titled(
      "Secrets, under `secrets`",
      secrets.map(({ name, description: text }) => [name, text]),
    ),
    ["Known from:", ...provenance.map(({ fact, source }) => `  ${fact}\n    ${source}`)].join("\n"),
    ...(missing === undefined ? [`Add it with: nexus add service ${id}`] : []),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function factsOf(template: Template, catalog: Catalog): readonly (readonly string[])[] {
  const { homepage, licence, needs, jobs: done, companions } = template;
  const images = imagesOf(template);
  const facts = [
    ["provides", capabilitiesOf(template).join(", ")],
    ...jobsOf(template).map((job) => [`for ${job}`, done[job]?.because ?? ""]),
    ["alternatives", alternativesTo(template, catalog).join(", ")],
    ["brings", companions.map((each) => each.template).join(", ")],
    ["image", template.variants.length > 0 ? "" : images.join(", ")],
    ["needs VRAM", needs.vram ?? ""],
    ["needs disk", needs.disk ?? ""],
    ["licence", licence],
    ["homepage", homepage],
  ];
  return facts.filter(([, value]) => value !== "");
}

function variantTable(template: Template, { catalog, machine, theme, width }: CatalogPage): string {
  const { variants, here } = templateDocument(template, { catalog, machine });
  if (variants.length === 0) return "";
  const mark = (name: string): string => (here?.variant === name ? "✔" : "");
  return table(
    template.variants.map((variant, at) => ({
      variant,
      image: variants[at]?.image ?? "built here",
    })),
    [
      { title: "HERE", value: ({ variant }) => mark(variant.name), paint: () => theme.good },
      { title: "VARIANT", value: ({ variant }) => variant.name },
      { title: "WHEN", value: ({ variant }) => whenText(conditionsOf(variant)), shrink: true },
      { title: "IMAGE", value: ({ image }) => image },
    ],
    { theme, width },
  );
}

/** `nvidia, compute >=7.5, driver >=580`; `else` for a variant without conditions. */
function whenText(conditions: Readonly<Record<string, string>>): string {
  const { vendor, architecture, ...ranges } = conditions;
  const texts = [
    ...(vendor === undefined ? [] : [vendor]),
    ...Object.entries(ranges).map(([name, range]) => `${name} ${range}`),
    ...(architecture === undefined ? [] : [architecture.replaceAll(" ", " or ")]),
  ];
  return texts.length === 0 ? "else" : texts.join(", ");
}

function titled(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : `${title}:\n${pairs(rows)}`;
}

function pairs(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  return rows.map(([name = "", value = ""]) => `  ${name.padEnd(width)}  ${value}`).join("\n");
}
