/** What `nexus catalog --json` prints. Pure. */
import type { Catalog } from "../catalog/catalog.ts";
import { candidateOf, templatesFor } from "../catalog/choose-template.ts";
import type { Job } from "../catalog/jobs.ts";
import type { Machine } from "../catalog/machine.ts";
import { formatRange } from "../catalog/range.ts";
import { capabilitiesOf, jobs, keysOf, type Template, type Variant } from "../catalog/template.ts";
import { type ChoiceDocument, choiceDocument } from "./choice.ts";

/** One way to run it. `when` has its conditions as the template writes them. */
export type VariantDocument = Readonly<{
  name: string;
  when: Readonly<Record<string, string>>;
  because: string;
  image: string | null;
}>;

/** A template as programs read it. */
export type TemplateDocument = Readonly<
  Pick<
    Template,
    | "id"
    | "title"
    | "description"
    | "homepage"
    | "licence"
    | "jobs"
    | "needs"
    | "options"
    | "secrets"
    | "asks"
    | "provenance"
  > & {
    provides: readonly string[];
    models: readonly string[];
    /** Why it cannot be added. */
    missing: string | null;
    image: string | null;
    variants: readonly VariantDocument[];
    companions: readonly string[];
    /** Others for the same jobs, best first. */
    alternatives: readonly string[];
    /** How it fares on the engine's machine; null where no engine can be asked. */
    here: ChoiceDocument | null;
  }
>;

/** The template as `--json` prints it. */
export function templateDocument(
  template: Template,
  { catalog, machine }: Readonly<{ catalog: Catalog; machine: Machine | undefined }>,
): TemplateDocument {
  const { id, title, description, homepage, licence, needs, options, secrets, asks } = template;
  return {
    id,
    title,
    description,
    homepage,
    licence,
    needs,
    options,
    secrets,
    asks,
    jobs: template.jobs,
    provenance: template.provenance,
    provides: capabilitiesOf(template),
    models: textsIn(template.service["models"]),
    missing: template.missing ?? null,
    image: imageOf(template),
    variants: template.variants.map((variant) => variantDocument(template, variant)),
    companions: template.companions.map((each) => each.template),
    alternatives: alternativesTo(template, catalog),
    here: machine ? choiceDocument(candidateOf(template, machine).choice) : null,
  };
}

function variantDocument(template: Template, variant: Variant): VariantDocument {
  const { name, because } = variant;
  return { name, when: conditionsOf(variant), because, image: imageOf(template, variant) };
}

function imageOf(template: Template, variant?: Variant): string | null {
  const { image } = keysOf(template, variant);
  return typeof image === "string" ? image : null;
}

/** A variant's conditions as text, by what they are of. */
export function conditionsOf({ when }: Variant): Readonly<Record<string, string>> {
  const { vendor, compute, driver, vram, architecture } = when;
  const texts = {
    vendor,
    compute: compute && formatRange(compute),
    driver: driver && formatRange(driver),
    vram: vram && formatRange(vram),
    architecture: architecture?.join(" "),
  };
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Ids of the others that do one of its jobs, best first. */
export function alternativesTo(template: Template, catalog: Catalog): readonly string[] {
  const same = jobsOf(template).flatMap((job) => templatesFor(catalog, job));
  return [...new Set(same.map(({ id }) => id))].filter((id) => id !== template.id);
}

/** The jobs that it may be chosen for, in the order of all jobs. */
export function jobsOf(template: Template): readonly Job[] {
  return jobs.filter((job) => template.jobs[job] !== undefined);
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
