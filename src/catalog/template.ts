/** A ready-made service: what `templates/<id>/service.yaml` holds. Pure. */
import { z } from "zod";
import { rangeSchema } from "./range.ts";

const serviceKeys = z.record(z.string(), z.json());

/** What people ask `nexus add service` for when they do not care who does it. */
export const jobs = [
  "llm",
  "embeddings",
  "rerank",
  "tts",
  "asr",
  "images",
  "chat-ui",
  "search",
  "vectors",
  "monitoring",
] as const;

const conditions = z
  .strictObject({
    vendor: z
      .enum(["nvidia", "amd"])
      .optional()
      .describe("A GPU of this maker that the service may use; without it the variant needs none."),
    compute: rangeSchema.optional().describe("Compute capability of that GPU, such as `>=7.5`."),
    driver: rangeSchema.optional().describe("Version of its driver, such as `>=580`."),
    vram: rangeSchema.optional().describe("Its memory in GiB, such as `>=8`."),
    architecture: z
      .union([z.string(), z.array(z.string())])
      .transform((value) => [value].flat())
      .optional()
      .describe("Processor as images name it: amd64, arm64."),
  })
  .refine(
    ({ vendor, compute, driver, vram }) =>
      vendor !== undefined || [compute, driver, vram].every((range) => range === undefined),
    "asks something of a GPU: name its `vendor`",
  );

const variant = z.strictObject({
  name: z.string().min(1).describe("What it is called when a choice is explained."),
  when: conditions.default({}).describe("All of these must hold; nothing fits every machine."),
  because: z.string().min(1).describe("Why it is the right one there, as the end of a sentence."),
  service: serviceKeys.default({}).describe("Keys of the service that are its own."),
});

const companion = z.strictObject({
  template: z.string().describe("Template of the further service."),
  name: z
    .string()
    .default("{service}-{template}")
    .describe(
      "What it is called; `{service}` is the name of the first, `{template}` its template.",
    ),
  service: serviceKeys
    .default({})
    .describe("Keys to write for it; `{service}` in texts is the name of the first."),
});

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
    .describe("Further words it is found by, beside its jobs and what it provides."),
  jobs: z
    .partialRecord(
      z.enum(jobs),
      z.strictObject({
        rank: z.int().positive().describe("1 is asked first."),
        because: z.string().min(1).describe("What speaks for it, as the end of a sentence."),
      }),
    )
    .default({})
    .describe("Jobs that `nexus add service` may choose it for."),
  homepage: z.url().describe("Where its makers describe it."),
  licence: z.string().min(1).describe("SPDX expression of the software, not of models."),
  missing: z
    .string()
    .optional()
    .describe("Why it cannot be added, where no image exists, and what to do instead."),
  variants: z
    .array(variant)
    .default([])
    .describe("By hardware; the first whose conditions hold is taken. None: it runs everywhere."),
  service: serviceKeys.describe("The service, as a stack file would write it."),
  models_as: z
    .strictObject({
      least: z.int().nonnegative().default(0).describe("How many it needs at least."),
      most: z.int().positive().optional().describe("How many it takes at most."),
      environment: z.record(z.string(), z.string()).default({}),
      command: z.array(z.string()).default([]).describe("Words behind those of `command`."),
    })
    .optional()
    .describe(
      "How software that loads its models at its start is told of them: `{model}` is the first, `{models}` all with commas, `{models_json}` a JSON list.",
    ),
  writes: serviceKeys
    .default({})
    .describe(
      "Keys that `nexus add service` writes into the stack file, where people must see them.",
    ),
  asks: z
    .array(
      z.strictObject({
        key: z.string().describe("Key of the service."),
        question: z.string(),
        example: z.string(),
      }),
    )
    .default([])
    .describe("Keys without which it cannot be added, such as the address of an external service."),
  companions: z
    .array(companion)
    .default([])
    .describe("Further services that `nexus add service` adds with it."),
  needs: z
    .strictObject({
      vram: z.string().optional().describe("GPU memory for ordinary use."),
      disk: z.string().optional().describe("Disk for the image and what it fetches."),
    })
    .default({}),
  options: z
    .array(
      z.strictObject({
        name: z.string(),
        description: z.string(),
        default: z.string().optional().describe("What the software does without it."),
      }),
    )
    .default([])
    .describe("Environment variables worth knowing."),
  secrets: z
    .array(
      z.strictObject({
        name: z.string().describe("Name to list under `secrets` of the service."),
        description: z.string(),
      }),
    )
    .default([])
    .describe("Secrets that it can use; it runs without them."),
  provenance: z
    .array(
      z.strictObject({
        fact: z.string().min(1),
        source: z.string().min(1).describe("URL, or how it was found out."),
      }),
    )
    .min(1)
    .describe("Where each fact of this file comes from."),
});

/** A template, with the folder it stands in. */
export type Template = Readonly<
  z.output<typeof templateSchema> & { directory: string; file: string }
>;

/** One of a template's ways to run. */
export type Variant = Template["variants"][number];

/** The keys of a service, as a stack file would write them. */
export type ServiceKeys = Readonly<Record<string, unknown>>;

/** The template's service in one of its variants: the variant's keys win; maps such as `environment` are laid over each other. */
export function keysOf(template: Template, chosen: Variant | undefined): ServiceKeys {
  return overlaid(template.service, chosen?.service ?? {});
}

/** Keys over keys: the upper ones win; maps such as `environment` are laid over each other. */
export function overlaid(lower: ServiceKeys, upper: ServiceKeys): ServiceKeys {
  const merged: Record<string, unknown> = { ...lower };
  for (const [key, value] of Object.entries(upper)) {
    const below = merged[key];
    merged[key] = isMap(below) && isMap(value) ? { ...below, ...value } : value;
  }
  return merged;
}

/** What the template's service does. */
export function capabilitiesOf(template: Template): readonly string[] {
  const { provides } = template.service;
  return Array.isArray(provides) ? provides.map(String) : [];
}

/** Every image that some variant of it names, each once; none for one that is built. */
export function imagesOf(template: Template): readonly string[] {
  const all = [undefined, ...template.variants].map((each) => keysOf(template, each)["image"]);
  return [...new Set(all.filter((image) => typeof image === "string"))];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
