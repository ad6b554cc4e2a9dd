/** The whole stack file. */
import { z } from "zod";
import { bytes, integer, port, positive, text } from "./fields.ts";
import { alias } from "./alias.ts";
import { heartbeat, timeouts } from "./patience.ts";
import { serviceSchema } from "./service.ts";
import { volume } from "./storage.ts";

/** What a stack, and so the first part of its containers' names, may be called. */
const stackName = /^[a-z0-9][a-z0-9_-]*$/;

/** What a service may be called: its name is its host name for the others. */
export const serviceName = /^[a-z0-9][a-z0-9_-]*$/;

/** What an alias may be called; some clients ask for `backend:owner/model`. */
const aliasName = /^[\w.:@+-]+(?:\/[\w.:@+-]+)*$/;

/** An origin as browsers send it: https://url.spec.whatwg.org/#concept-url-origin, or all of them. */
const origin = z
  .string()
  .refine(
    (value) => value === "*" || (URL.canParse(value) && new URL(value).origin === value),
    "must be an origin, such as https://chat.example or http://localhost:3000, or *",
  );

/** The gateway as written. */
const gatewaySchema = z.strictObject({
  port: port.optional().describe("API port on this machine; 8800 by default."),
  observability_port: port
    .optional()
    .describe("Port of /metrics and the whole stack's /readyz, on 127.0.0.1; 8801 by default."),
  host: z
    .union([z.ipv4(), z.ipv6()], { error: "must be an IP address, such as 127.0.0.1 or 0.0.0.0" })
    .optional()
    .describe("Address the API listens on; 127.0.0.1 by default, 0.0.0.0 for all."),
  aliases: z
    .record(z.string().regex(aliasName, "must be made of letters, digits and . _ : @ + - /"), alias)
    .optional()
    .describe(
      "Further names for models, each with one target or an ordered list (service/model or a model's name), or with `to`, `when`, `tools`, `max_tokens` and `temperature`.",
    ),
  gpu_concurrency: integer(1)
    .optional()
    .describe(
      "Requests that the services on one GPU work on at once, all together; unlimited by default.",
    ),
  timeouts: timeouts.optional().describe("How long a request may take."),
  heartbeat: heartbeat
    .optional()
    .describe("Silence after which a waiting stream gets a comment, or off; 15s by default."),
  cors: z
    .array(origin)
    .optional()
    .describe("Origins whose web pages may use the API, or *; none by default."),
  tls: z
    .strictObject({
      cert: text.describe("PEM file of the certificate, with those between it and its authority."),
      key: text.describe("PEM file of its key, which only its owner may read."),
    })
    .optional()
    .describe("Has the API speak HTTPS; paths are relative to the file that names them."),
  otlp: z
    .strictObject({
      endpoint: z
        .url({ protocol: /^https?$/, error: "must be a URL, such as http://collector:4318" })
        .describe("Address of an OpenTelemetry collector that takes OTLP over HTTP."),
    })
    .optional()
    .describe("Sends traces and metrics to a collector; off by default."),
  base_image: text.optional().describe("Node image that the gateway is built on."),
  mem_limit: bytes.optional().describe("Most memory the gateway may use; 512MiB by default."),
  cpus: positive.optional().describe("Most cores the gateway may use."),
});

/** The stack file as written; each part is checked by itself so that all problems are found at once. */
export const stackFileSchema = z
  .strictObject({
    name: z
      .string()
      .regex(stackName, "must be lower-case letters, digits, - and _, such as home")
      .max(40, "must have at most 40 characters")
      .optional()
      .describe("Name of the stack; the folder's name by default."),
    include: z
      .array(text)
      .optional()
      .describe("Other stack files, relative to this one; what stands here wins."),
    gateway: gatewaySchema.optional().describe("The one thing that is published."),
    services: z
      .record(z.string().regex(serviceName), serviceSchema)
      .optional()
      .describe("The members of the stack, by name."),
    volumes: z
      .record(z.string(), volume)
      .optional()
      .describe("Named volumes that need more than a name; others are made as they are used."),
    secrets: z
      .record(z.string(), z.strictObject({ file: text.describe("Path of the secret's file.") }))
      .optional()
      .describe("Where secrets are kept; .nexus/secrets/<name> by default."),
  })
  .meta({
    title: "Nexus stack file",
    description: "A private AI stack: what `nexus up` brings up.",
  });

/** A stack file as written, short forms read into long ones. */
export type StackFileSpec = Readonly<z.output<typeof stackFileSchema>>;
/** The gateway as written. */
export type GatewaySpec = Readonly<z.output<typeof gatewaySchema>>;
