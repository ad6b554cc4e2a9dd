/** What is known of software beyond its container: what it is, what it uses, how it frees a GPU, what its last words mean. */
import { z } from "zod";
import { declaredMetadataSchema } from "../../gateway/config.ts";
import { text } from "./fields.ts";

const kind = <Kind extends string>(name: Kind) =>
  z.literal(name).describe("Which way it is found out.");

const path = z.string().startsWith("/", "must be a path, such as /system_stats");

/** A regular expression that is matched line by line, regardless of case. */
const pattern = z
  .string()
  .min(1)
  .refine(isPattern, "must be a regular expression")
  .describe("Regular expression for a line, regardless of case.");

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, "i") instanceof RegExp;
  } catch {
    return false;
  }
}

/** What a service without metadata of its own is said to be. */
export const metadata = declaredMetadataSchema;

/** How it is found out whether a service really uses the GPUs that it was given. */
export const gpuCheck = z.discriminatedUnion("kind", [
  z
    .strictObject({ kind: kind("ollama") })
    .describe("Ollama's GET /api/ps: the part of every loaded model that lies in GPU memory."),
  z
    .strictObject({
      kind: kind("json"),
      path: path.describe("Path asked with GET."),
      pointer: z.string().describe("RFC 6901 pointer to a text of the answer."),
      gpu: z.array(text).min(1).describe("Beginnings of that text that mean a GPU: cuda, rocm."),
    })
    .describe("A text in a JSON answer names the device."),
  z
    .strictObject({
      kind: kind("logs"),
      gpu: pattern.describe("A line like this means that it computes on a GPU."),
      cpu: pattern.optional().describe("A line like this means that it computes on the CPU."),
      partial: pattern
        .optional()
        .describe("A line with two numbers, such as `offloaded 20/33 layers to GPU`: part of all."),
    })
    .describe("Lines that it writes at its start tell the device; the last one counts."),
]);

/** How a service lets go of GPU memory without being stopped. */
export const release = z.strictObject({
  method: z.enum(["POST", "DELETE", "PUT"]).default("POST").describe("POST by default."),
  path: path.describe("`{model}` in it, or in the body, asks once for every model it has loaded."),
  body: z.json().optional().describe("JSON body; none by default."),
});

/** What a line in the logs of a service that failed means. */
export const signature = z.strictObject({
  pattern,
  message: text.describe("The cause, as the end of a sentence."),
  remedy: text.describe("What to do, as one instruction."),
});
