/** A ready-made service: what `templates/<id>/service.yaml` holds. Pure. */
import { z } from "zod";

/** What a machine can compute with. */
export type Hardware = "cpu" | "nvidia" | "amd";

const serviceKeys = z.record(z.string(), z.json());

/** The file's format. The keys of `service` and of variants are those of a stack's service; the stack room checks them. */
export const templateSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .describe("Its name; the folder's name too."),
  title: z.string().min(1).describe("Its name for people."),
  description: z.string().min(1).describe("One sentence: what it is for."),
  words: z
    .array(z.string())
    .default([])
    .describe("Further words it is found by, beside what it provides."),
  homepage: z.url().describe("Where its makers describe it."),
  image: z
    .string()
    .optional()
    .describe("Image with a pinned tag, for all hardware that no variant names."),
  variants: z
    .partialRecord(z.enum(["cpu", "nvidia", "amd"]), serviceKeys)
    .default({})
    .describe("Keys that differ by hardware."),
  service: serviceKeys.describe("The service, as a stack file would write it."),
  needs: z
    .strictObject({
      vram: z.string().optional().describe("GPU memory for ordinary use."),
      disk: z.string().optional().describe("Disk for the image and what it fetches."),
    })
    .default({}),
  options: z
    .array(z.strictObject({ name: z.string(), description: z.string() }))
    .default([])
    .describe("Environment variables worth knowing."),
});

/** A template, with the folder it stands in. */
export type Template = Readonly<
  z.output<typeof templateSchema> & { directory: string; file: string }
>;

/** The keys of a service, as a stack file would write them. */
export type ServiceKeys = Readonly<Record<string, unknown>>;

/** The template's service for a machine: the variant's keys win over the common ones. */
export function selectVariant(template: Template, hardware: Hardware): ServiceKeys {
  const image = template.image === undefined ? {} : { image: template.image };
  return { ...image, ...template.service, ...template.variants[hardware] };
}

/** What the template's service does. */
export function capabilitiesOf(template: Template): readonly string[] {
  const { provides } = template.service;
  return Array.isArray(provides) ? provides.map(String) : [];
}

/** Describes a template to people, in a few lines. */
export function formatTemplate(template: Template): string {
  const { id, title, description, homepage, needs, options } = template;
  const facts = [
    ["provides", capabilitiesOf(template).join(", ")],
    ["image", template.image ?? "built from its own folder"],
    ["needs VRAM", needs.vram],
    ["needs disk", needs.disk],
    ["homepage", homepage],
    ...options.map((option) => [option.name, option.description]),
  ].filter(([, value]) => value);
  const width = Math.max(...facts.map(([name = ""]) => name.length));
  const lines = facts.map(([name = "", value = ""]) => `  ${name.padEnd(width)}  ${value}`);
  return [`${id}  ${title}`, `  ${description}`, "", ...lines].join("\n");
}
