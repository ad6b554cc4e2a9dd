/** The one file the gateway reads, and the only module (with protocol.ts) that both programs see. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { uiOption } from "./upstreams/metadata-schema.ts";

export { gatewayPaths } from "./paths.ts";

/** Alias → ordered candidates, each `service/model` or a model id. */
export const aliasesSchema = z.record(z.string(), z.array(z.string().min(1)).min(1));

/** The most that may be asked under an alias; what a request leaves out is set to it. */
const aliasCapsSchema = z.strictObject({
  max_tokens: z.int().positive().optional(),
  temperature: z.number().nonnegative().optional(),
});

/** A condition on requests, and where those go that meet it. */
const aliasRuleSchema = z.strictObject({
  /** Whether the request has tools; left out, both do. */
  tools: z.boolean().exactOptional(),
  /** Bytes of the body from which it holds. */
  min_bytes: z.int().nonnegative().exactOptional(),
  to: z.array(z.string().min(1)).min(1),
  /** The alias that it leads to, told in `X-Router-Reason`. */
  alias: z.string().exactOptional(),
  caps: aliasCapsSchema.exactOptional(),
  /** False refuses requests with tools. */
  takes_tools: z.literal(false).exactOptional(),
});

/** How readiness is asked of a service that may lack the contract. */
export const probeSchema = z.strictObject({
  /** Path asked; the contract's `/readyz` by default. */
  path: z.string().startsWith("/").default("/readyz"),
  /** Statuses that mean ready. */
  status: z.array(z.int()).default([200]),
  /** Statuses that mean the service lives and is still loading: progress, not failure. */
  loading: z.array(z.int()).default([503]),
  /** A value the JSON body must hold: an RFC 6901 pointer and what it must equal. */
  json: z.strictObject({ pointer: z.string(), equals: z.json() }).optional(),
  /** Which list names the models that are present; `openai` is GET <api>/models, `ollama` GET /api/tags, `tei` the one at GET /info. */
  models: z.enum(["none", "openai", "ollama", "tei"]).default("none"),
});

/** What a stack may say of a service that says nothing of itself: parts of its metadata (docs/SERVICE_API.md). */
export const declaredMetadataSchema = z.strictObject({
  description: z.string().optional().describe("What it is for, in a sentence."),
  ui: z
    .strictObject({
      options: z.array(uiOption).optional().describe("Form fields of its requests."),
    })
    .optional()
    .describe("What a user interface needs."),
  response_types: z
    .record(z.string(), z.string())
    .optional()
    .describe("Media types of its answers: `default`, `streaming`."),
  ui_navigation: z
    .strictObject({
      placement: z.string().optional().describe("Where it is shown."),
      group: z.string().optional().describe("With what."),
    })
    .optional()
    .describe("Where a user interface lists it."),
});

/** Capabilities that a small request is known for which proves them. */
export const provable = [
  "chat",
  "completion",
  "messages",
  "embedding",
  "rerank",
  "tts",
  "asr",
  "image",
] as const;

/**
 * Endpoints of which an upstream speaks another dialect than clients do: `tei` is that of text-embeddings-inference,
 * `b64_json` that of services which answer with an address of their own unless they are asked for bytes.
 */
const dialectsSchema = z.strictObject({
  rerank: z.enum(["tei"]).optional(),
  images: z.enum(["b64_json"]).optional(),
});

/** One upstream: a service as the gateway sees it. */
export const upstreamSchema = z.strictObject({
  id: z.string(),
  /** Scheme, host and port, no path: `http://home-ollama-1:11434`. */
  url: z.url({ protocol: /^https?$/ }),
  /** Prefix of the OpenAI-compatible API at that url, such as `/v1`. */
  api_path: z.string().default("/v1"),
  external: z.boolean().default(false),
  provides: z.array(z.string()),
  /** Models that must be present before the service is ready. */
  models: z.array(z.string()).default([]),
  probe: probeSchema,
  /** Path of its own metrics, told to Prometheus. */
  metrics_path: z.string().startsWith("/").optional(),
  max_concurrency: z.int().positive().optional(),
  /** Whether its streams tell usage when `stream_options.include_usage` asks for it; false when left out. */
  stream_usage: z.boolean().optional(),
  /** What it is said to be when it says nothing of itself. */
  metadata: declaredMetadataSchema.optional(),
  dialects: dialectsSchema.optional(),
  /** Limits on this upstream together with every other that names them, such as those on one GPU. */
  shared_limits: z
    .array(z.strictObject({ name: z.string(), max_concurrency: z.int().positive() }))
    .optional(),
});

/** Limits of a request in milliseconds; what is missing is the process's own setting. */
const timeoutsSchema = z.strictObject({
  first_byte_ms: z.int().positive().optional(),
  idle_ms: z.int().positive().optional(),
  /** From arrival to the last byte; 0 for no limit. */
  total_ms: z.int().nonnegative().optional(),
});

export const gatewayConfigSchema = z.strictObject({
  version: z.literal(1),
  stack: z.string(),
  upstreams: z.array(upstreamSchema),
  aliases: aliasesSchema.default({}),
  /** By alias; undefined when no alias has any. */
  alias_caps: z.record(z.string(), aliasCapsSchema).optional(),
  /** By alias: the first that holds decides in place of `aliases`; undefined when no alias has any. */
  alias_rules: z.record(z.string(), z.array(aliasRuleSchema)).exactOptional(),
  /** Aliases that refuse requests with tools where no rule holds. */
  aliases_without_tools: z.array(z.string()).exactOptional(),
  timeouts: timeoutsSchema.optional(),
  /** Where traces and metrics are sent over OTLP/HTTP: `<endpoint>/v1/traces` and `<endpoint>/v1/metrics`. */
  otlp: z.strictObject({ endpoint: z.url({ protocol: /^https?$/ }) }).exactOptional(),
  /** Silence after which a waiting stream gets a comment, in milliseconds; 0 for never. */
  heartbeat_ms: z.int().nonnegative().optional(),
  /** Origins whose web pages may ask; `*` for all, absent for none. */
  cors: z.array(z.string()).exactOptional(),
  /**
   * What the other end of a connection to the published port says of a client: `here` that it is on this machine, as
   * everybody who reaches it; `seen` its address, the engine's own being this machine's; absent nothing at all.
   */
  clients: z.enum(["here", "seen"]).exactOptional(),
  /** The certificate that the API port is to present, by its digest: it comes with its key in the order that configures. */
  tls: z.strictObject({ certificate: z.string() }).exactOptional(),
});

/** Alias → ordered candidates. */
export type GatewayAliases = Readonly<z.infer<typeof aliasesSchema>>;
export type AliasCaps = Readonly<z.infer<typeof aliasCapsSchema>>;
export type AliasRule = Readonly<z.infer<typeof aliasRuleSchema>>;
export type Probe = Readonly<z.infer<typeof probeSchema>>;
export type Upstream = Readonly<z.infer<typeof upstreamSchema>>;
/** What a stack says of a service that says nothing of itself. */
export type DeclaredMetadata = Readonly<z.infer<typeof declaredMetadataSchema>>;
export type Dialects = Readonly<z.infer<typeof dialectsSchema>>;
export type GatewayConfig = Readonly<z.infer<typeof gatewayConfigSchema>>;

/** Writes JSON with the keys of every object sorted, so that equal values are equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item !== null && typeof item === "object" && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

/** Names a configuration: SHA-256, in hex, of the canonical JSON of what the schema makes of it. */
export function configHash(config: GatewayConfig): string {
  return createHash("sha256").update(canonicalJson(config)).digest("hex");
}

/** Names a certificate: SHA-256 of its PEM text, in hex. */
export function certificateDigest(pem: string): string {
  return createHash("sha256").update(pem).digest("hex");
}
