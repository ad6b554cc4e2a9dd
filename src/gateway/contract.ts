/** The documents of the service contract (docs/SERVICE_API.md): what `nexus verify` and the tests of scaffolds hold services to is what the gateway reads. */
import { z } from "zod";

export { metadataSchema, type Metadata } from "./upstreams/metadata-schema.ts";

/** The answer of `GET /readyz`, whatever its status. */
export const readinessSchema = z
  .looseObject({
    status: z
      .string()
      .min(1)
      .meta({ description: "`ready`, `loading`, `stopping`, or a word of your own." }),
    ready: z.boolean().optional().meta({ description: "The same as the status code." }),
    stage: z.string().optional().meta({ description: "What is going on." }),
    progress: z.number().min(0).max(1).optional().meta({ description: "How far the stage is." }),
    checks: z
      .record(z.string(), z.json())
      .optional()
      .meta({ description: 'One entry per thing it needs: "ok", true, false, or a sentence.' }),
  })
  .meta({ title: "Whether a service can work now", description: "GET /readyz." });

/** The body of every answer that is an error. */
export const failureSchema = z
  .looseObject({
    error: z.looseObject({
      message: z.string().min(1).meta({ description: "What is wrong, for people." }),
      type: z.string().min(1).meta({ description: "Its class: `invalid_request_error`, …" }),
      param: z.string().nullish().meta({ description: "The field of the request at fault." }),
      code: z
        .union([z.string(), z.number()])
        .nullish()
        .meta({ description: "A word for programs: `model_not_found`, …" }),
    }),
  })
  .meta({ title: "An error", description: "As OpenAI's API tells them." });
