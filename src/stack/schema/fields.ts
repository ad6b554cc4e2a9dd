/** The small values that stack files are made of, each read from every form that Compose takes. */
import { z } from "zod";
import { parseBytes, parseDuration } from "../quantities.ts";
import { splitCommand } from "../split-command.ts";

/** A text that is not empty. */
export const text = z.string().min(1, "must not be empty");

/** A whole number; text that reads as one counts, because variables are text. */
export function integer(minimum: number, maximum = Number.MAX_SAFE_INTEGER): z.ZodType<number> {
  return z.preprocess(asNumber, z.int().min(minimum).max(maximum)) as z.ZodType<number>;
}

/** A number above zero; text that reads as one counts. */
export const positive = z.preprocess(asNumber, z.number().positive());

/** `true` or `false`; YAML 1.2 has no `yes` and `no`. */
export const boolean = z.preprocess(asBoolean, z.boolean({ error: notBoolean }));

/** A TCP or UDP port. */
export const port = integer(1, 65_535);

/** A size in bytes: `8GiB`, `512m`, or a plain number. */
export const bytes = z
  .union([z.number(), z.string()])
  .transform((value, context) => {
    const size = parseBytes(String(value));
    if (size !== undefined) return size;
    return refuse(context, "must be a size such as 8GiB, 512m or 1073741824");
  })
  .meta({ examples: ["8GiB", "512m"] });

/** A duration in milliseconds: `1m30s`. */
export const duration = z
  .string({ error: "must be a duration with its unit, such as 30s or 1m30s" })
  .transform((value, context) => {
    const milliseconds = parseDuration(value);
    if (milliseconds !== undefined) return milliseconds;
    return refuse(context, "must be a duration such as 1m30s, 500ms or 2h");
  })
  .meta({ examples: ["1m30s", "500ms"] });

/** One text or several. */
export const oneOrMore = z.union([text, z.array(text)]).transform((value) => [value].flat());

/** A command: a list of words, or a line that is split as a shell would split it. */
export const command = z
  .union([z.string(), z.array(z.coerce.string<string>())])
  .transform((value, context) => {
    if (typeof value !== "string") return value;
    return splitCommand(value) ?? refuse(context, "has a quote that is never closed");
  });

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** A map of texts or a list of `NAME=value`; `null` where a name has no value. */
export const assignments = z
  .union([z.record(z.string(), scalar.nullable()), z.array(z.string())])
  .transform((value) => {
    const pairs = Array.isArray(value) ? value.map(splitAssignment) : Object.entries(value);
    return Object.fromEntries(
      pairs.map(([name, given]) => [name, given === null ? null : String(given)]),
    );
  });

/** Says in the words of the field why a value cannot be read. */
export function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

function splitAssignment(item: string): [string, string | null] {
  const equals = item.indexOf("=");
  return equals === -1 ? [item, null] : [item.slice(0, equals), item.slice(equals + 1)];
}

function asNumber(value: unknown): unknown {
  return typeof value === "string" && /^[+-]?(?:\d+(?:\.\d+)?|0x[\da-f]+|0o[0-7]+)$/i.test(value)
    ? Number(value)
    : value;
}

function asBoolean(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (/^true$/i.test(value)) return true;
  return /^false$/i.test(value) ? false : value;
}

function notBoolean({ input }: Readonly<{ input?: unknown }>): string {
  const old = typeof input === "string" && /^(?:yes|no|on|off|y|n)$/i.test(input);
  return old
    ? `must be true or false: \`${input}\` is plain text in YAML 1.2`
    : "must be true or false";
}
