/** Reads the lines of the control channel: nothing that is not in the protocol goes further. */
import { z } from "zod";
import { certifiedSchema } from "../door/certificate.ts";
import { gatewayConfigSchema, upstreamSchema } from "../config.ts";
import { keyRecordSchema } from "../keys/key-ring.ts";
import { userChangeSchema, userRecordSchema } from "../users/user-schema.ts";

const id = z.int();
/** A path that stays with the upstream it is sent to. */
const path = z.string().regex(/^\/(?!\/)[\x21-\x7e]*$/);

const headerName = z.string().regex(/^[A-Za-z0-9-]+$/);
const headerValue = z.string().regex(/^[\x20-\x7e]*$/);

const requestSchema = z.discriminatedUnion("op", [
  z.strictObject({ id, op: z.literal("hello") }),
  z.strictObject({
    id,
    op: z.literal("configure"),
    config: gatewayConfigSchema,
    tls: certifiedSchema.exactOptional(),
  }),
  z.strictObject({
    id,
    op: z.literal("watch"),
    upstream: upstreamSchema,
    until: z.enum(["reachable", "ready"]),
  }),
  z.strictObject({ id, op: z.literal("prove"), upstream: upstreamSchema }),
  z.strictObject({ id, op: z.literal("drain"), url: z.url() }),
  z.strictObject({
    id,
    op: z.literal("request"),
    upstream: upstreamSchema,
    method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
    path,
    body: z.unknown().optional(),
    bytes: z.base64().optional(),
    headers: z.record(headerName, headerValue).optional(),
    answer: z.enum(["text", "bytes"]).optional(),
  }),
  z.strictObject({ id, op: z.literal("keys.list") }),
  z.strictObject({ id, op: z.literal("keys.add"), key: keyRecordSchema }),
  z.strictObject({ id, op: z.literal("keys.replace"), key: keyRecordSchema }),
  z.strictObject({ id, op: z.literal("keys.remove"), name: z.string() }),
  z.strictObject({ id, op: z.literal("users.list") }),
  z.strictObject({ id, op: z.literal("users.add"), user: userRecordSchema }),
  z.strictObject({ id, op: z.literal("users.replace"), user: userChangeSchema }),
  z.strictObject({ id, op: z.literal("users.remove"), name: z.string() }),
  z.strictObject({
    id,
    op: z.literal("usage"),
    since: z.iso.datetime({ offset: true }),
    by: z.enum(["key", "model", "service", "endpoint", "day"]),
  }),
  z.strictObject({ id, op: z.literal("status") }),
  z.strictObject({ id, op: z.literal("disk") }),
  z.strictObject({ id, op: z.literal("cancel"), request: z.int() }),
]);

/** A request of the control channel, as validated. */
export type ControlOrder = Readonly<z.infer<typeof requestSchema>>;

/** A line, read: an order, or an error to answer it with (id 0 when the line has none). */
export type ReadOrder = Readonly<
  { order: ControlOrder } | { id: number; error: { code: string; message: string } }
>;

/** Reads one line. */
export function readOrder(line: string): ReadOrder {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    return { id: 0, error: { code: "malformed_line", message: "The line is not JSON." } };
  }
  const parsed = requestSchema.safeParse(document);
  if (parsed.success) return { order: parsed.data };
  const known = z.looseObject({ id }).safeParse(document);
  const message = z.prettifyError(parsed.error);
  return {
    id: known.success ? known.data.id : 0,
    error: { code: "invalid_request", message },
  };
}
