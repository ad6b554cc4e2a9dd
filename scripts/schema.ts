/** Writes schema/*.json, and the tables of keys in docs/STACK_FILE.md, from the schema that stack files are checked with. */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { failureSchema, metadataSchema, readinessSchema } from "../src/gateway/contract.ts";
import { stackFileSchema } from "../src/stack/schema/stack-file.ts";

type JsonSchema = { [key: string]: unknown };

const root = new URL("../", import.meta.url);

/** The JSON Schema that editors complete and check stack files with, as text. */
export function schemaText(): string {
  const open = allowExtensions(allowVariables(z.toJSONSchema(stackFileSchema, { io: "input" })));
  return `${JSON.stringify({ ...open, $id: "stack.schema.json" }, null, 2)}\n`;
}

const contract = {
  "metadata.schema.json": metadataSchema,
  "readyz.schema.json": readinessSchema,
  "error.schema.json": failureSchema,
};

/** The JSON Schemas of the documents of the service contract (docs/SERVICE_API.md), as text, by their file in `schema/`. */
export function contractSchemaTexts(): Readonly<Record<string, string>> {
  const texts = Object.entries(contract).map(([$id, schema]) => {
    const document = { ...z.toJSONSchema(schema, { io: "input" }), $id };
    return [$id, `${JSON.stringify(document, null, 2)}\n`];
  });
  return Object.fromEntries(texts);
}

/** The page with every table between `<!-- keys: path -->` and `<!-- end -->` written afresh, from a stack file's schema by default. */
export function withTables(page: string, whole: z.ZodType = stackFileSchema): string {
  const schema: unknown = z.toJSONSchema(whole, { io: "input" });
  return page.replace(
    /(<!-- keys: (\S+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, start: string, path: string, end: string) => `${start}${table(path, schema)}${end}`,
  );
}

/** Wherever something other than free text is asked for, a variable may stand instead. */
function allowVariables(schema: JsonSchema, key = ""): JsonSchema {
  const entries = Object.entries(schema).map(([name, value]): [string, unknown] => [
    name,
    allowInside(name, value),
  ]);
  const inner: JsonSchema = Object.fromEntries(entries);
  const closed =
    ["integer", "number", "boolean"].includes(String(inner["type"])) ||
    inner["enum"] ||
    inner["pattern"] ||
    inner["format"];
  if (!closed || key === "propertyNames") return inner;
  const { description, examples, ...rest } = inner;
  const words = { ...(description ? { description } : {}), ...(examples ? { examples } : {}) };
  return { ...words, anyOf: [rest, { type: "string", pattern: "\\$" }] };
}

function allowInside(name: string, value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item) => (isSchema(item) ? allowVariables(item) : item));
  if (!isSchema(value)) return value;
  return name === "properties"
    ? mapValues(value, (member) => allowVariables(asSchema(member)))
    : allowVariables(value, name);
}

/** Keys that start with `x-` are the user's own, in the file and in a service. */
function allowExtensions(schema: JsonSchema): JsonSchema {
  const properties = asSchema(schema["properties"]);
  const services = asSchema(properties["services"]);
  const service = {
    ...asSchema(services["additionalProperties"]),
    patternProperties: { "^x-": {} },
  };
  const extended = { ...properties, services: { ...services, additionalProperties: service } };
  return { ...schema, properties: extended, patternProperties: { "^x-": {} } };
}

function mapValues(record: JsonSchema, change: (value: unknown) => unknown): JsonSchema {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A table of the keys of the object at a path such as `services.*` or `gateway`. */
function table(path: string, schema: unknown): string {
  const steps = path === "." ? [] : path.split(".");
  const found = steps.reduce<unknown>((node, step) => {
    const object = isSchema(node) ? objectOf(node) : {};
    if (step === "*") return object["additionalProperties"];
    return step === "[]" ? object["items"] : asSchema(object["properties"])[step];
  }, schema);
  const properties = asSchema(asSchema(isSchema(found) ? objectOf(found) : {})["properties"]);
  const rows = Object.entries(properties).map(
    ([name, value]) =>
      `| \`${name}\` | ${formOf(asSchema(value))} | ${describe(asSchema(value))} |`,
  );
  return `\n| key | form | meaning |\n|---|---|---|\n${rows.join("\n")}\n\n`;
}

function asSchema(value: unknown): JsonSchema {
  return isSchema(value) ? value : {};
}

/** The map or list among the forms of a value. */
function objectOf(schema: JsonSchema): JsonSchema {
  const inner = Array.isArray(schema["anyOf"]) ? schema["anyOf"].map(asSchema).map(objectOf) : [];
  return (
    inner.find((form) => form["properties"] ?? form["items"] ?? form["additionalProperties"]) ??
    schema
  );
}

function describe(schema: JsonSchema): string {
  const { description } = schema;
  return typeof description === "string" ? description.replaceAll(/[|<]/g, "\\$&") : "";
}

const forms: Readonly<Record<string, string>> = {
  string: "text",
  integer: "number",
  number: "number",
  boolean: "true or false",
  object: "map",
  null: "nothing",
};

/** The forms of a value in a few words: `text`, `number`, `list of text`. */
function formOf(schema: JsonSchema): string {
  const { anyOf, oneOf, enum: words, type, items, const: constant } = schema;
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) return joined(choices.map((form) => formOf(asSchema(form))));
  if (Array.isArray(words)) return words.map((word) => `\`${word}\``).join(", ");
  if (typeof constant === "string") return `\`${constant}\``;
  if (type === "array") return `list of ${listed(formOf(asSchema(items)))}`;
  return joined([type].flat().map((name) => forms[String(name)] ?? "any"));
}

function joined(words: readonly string[]): string {
  return [...new Set(words)].join(" or ");
}

function listed(form: string): string {
  return form.includes(" or ") ? `(${form})` : form;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(new URL("schema/stack.schema.json", root), schemaText());
  for (const [file, text] of Object.entries(contractSchemaTexts()))
    await writeFile(new URL(`schema/${file}`, root), text);
  const page = new URL("docs/STACK_FILE.md", root);
  await writeFile(page, withTables(await readFile(page, "utf8")));
}
