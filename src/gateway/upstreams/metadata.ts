/** The service contract's `/v1/metadata` (schema v1): read leniently, written exactly. */
import { z } from "zod";
import type { Upstream } from "../config.ts";

/** What an upstream's own document must hold to count as one; everything else in it is kept as it is. */
const metadataSchema = z.looseObject({
  schema_version: z.union([z.string(), z.number()]),
  service: z.looseObject({ name: z.string() }),
  capabilities: z
    .looseObject({ max_concurrency: z.int().positive().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

/** A service's metadata document. */
export type Metadata = Readonly<z.infer<typeof metadataSchema>>;

/** Reads a metadata document; undefined when it is not one. */
export function readMetadata(document: unknown): Metadata | undefined {
  const parsed = metadataSchema.safeParse(document);
  return parsed.success ? parsed.data : undefined;
}

/** The document of a service that has none of its own: what the stack declares of it. */
export function synthesiseMetadata(
  upstream: Upstream,
  endpoints: readonly Readonly<{ path: string; method: string; operation_id: string }>[],
): Metadata {
  return {
    schema_version: "v1",
    service: { name: upstream.id },
    backend: { name: upstream.id },
    endpoints,
    capabilities: { ...capabilities(upstream.provides), max_concurrency: upstream.max_concurrency },
  };
}

/** Domains and modalities of a set of capabilities, as the contract spells them. */
export function capabilities(provides: readonly string[]): Readonly<{
  domains: readonly string[];
  modalities: readonly string[];
  streaming: boolean;
}> {
  const domains = [...new Set(provides)];
  const modalities = [...new Set(domains.flatMap((domain) => modalitiesOf[domain] ?? []))];
  const streaming = domains.some((domain) => ["chat", "completion", "messages"].includes(domain));
  return { domains, modalities, streaming };
}

const modalitiesOf: Readonly<Record<string, readonly string[]>> = {
  chat: ["text"],
  completion: ["text"],
  messages: ["text"],
  embedding: ["text"],
  rerank: ["text"],
  image: ["image"],
  ocr: ["image", "text"],
  audio: ["audio"],
  tts: ["text", "audio"],
  asr: ["audio", "text"],
  music: ["audio"],
  video: ["video"],
  realtime: ["audio", "text"],
};
