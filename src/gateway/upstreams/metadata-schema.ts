/** The document at a service's `/v1/metadata` and `/v1/descriptor` (docs/SERVICE_API.md): every field that means something here; others may stand beside them. */
import { z } from "zod";

const words = z.array(z.string().min(1));
const schemaDocument = z.record(z.string(), z.unknown());

const endpoint = z.looseObject({
  path: z.string().startsWith("/"),
  method: z
    .string()
    .regex(/^[A-Z]+$/)
    .optional(),
  operation_id: z.string().optional(),
  summary: z.string().optional(),
  request_schema: schemaDocument.optional(),
  response_schema: schemaDocument.optional(),
});

/** A field of the form that a user interface shows for a service. */
export const uiOption = z.looseObject({
  key: z.string().min(1).meta({ description: "Name of the request's field." }),
  label: z.string().min(1).meta({ description: "What people read." }),
  type: z
    .enum(["string", "number", "integer", "boolean", "enum", "json"])
    .meta({ description: "What it takes." }),
  values: z.array(z.json()).optional().meta({ description: "For `enum`: what can be chosen." }),
  default: z.json().optional().meta({ description: "What it is when it is left out." }),
  min: z.number().optional().meta({ description: "Smallest number." }),
  max: z.number().optional().meta({ description: "Largest number." }),
  description: z.string().optional().meta({ description: "What it does, in a sentence." }),
});

const capabilities = z.looseObject({
  domains: words.optional(),
  modalities: words.optional(),
  streaming: z.boolean().optional(),
  max_concurrency: z
    .int()
    .positive()
    .optional()
    .meta({ description: "Requests that the gateway sends at once." }),
  context_length: z
    .int()
    .positive()
    .optional()
    .meta({ description: "Tokens that fit, for models that do not say so themselves." }),
});

/** What a service's document must look like. */
export const metadataSchema = z
  .looseObject({
    schema_version: z.union([z.string(), z.number()]),
    service: z.looseObject({
      name: z.string().min(1),
      version: z.string().optional(),
      description: z.string().optional(),
    }),
    backend: z
      .looseObject({ name: z.string().optional(), vendor: z.string().optional() })
      .optional(),
    endpoints: z.array(endpoint).optional(),
    capabilities: capabilities.optional(),
    ui: z.looseObject({ options: z.array(uiOption).optional() }).optional(),
    resources: z
      .looseObject({
        cpu: z.union([z.string(), z.number()]).optional(),
        memory: z.string().optional(),
        gpu: z.enum(["none", "optional", "required"]).optional(),
        gpu_memory: z.string().optional(),
      })
      .optional(),
    response_types: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: "Media types of the answers: `default`, `streaming`." }),
    ui_navigation: z
      .looseObject({ placement: z.string().optional(), group: z.string().optional() })
      .optional(),
  })
  .meta({
    title: "What a service says of itself",
    description: "GET /v1/metadata, and with the last two fields GET /v1/descriptor.",
  });

/** A service's metadata document. */
export type Metadata = Readonly<z.infer<typeof metadataSchema>>;
