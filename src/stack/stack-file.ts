/** One stack file, read and checked part by part, so that every problem is found at once. Pure. */
import { z } from "zod";
import type { Variables } from "./interpolate.ts";
import type { Path, Problem } from "./problem.ts";
import { type FileValues, readValues } from "./read-values.ts";
import { isRecord } from "./record.ts";
import { schemaProblems, unknownKey } from "./schema-problems.ts";
import { type ServiceSpec, serviceSchema } from "./schema/service.ts";
import { serviceName, stackFileSchema, type StackFileSpec } from "./schema/stack-file.ts";
import { offsetOf, problemIn, type Source, syntaxProblems } from "./source.ts";

/** A stack file as far as it is valid. */
export type StackFile = Readonly<{
  source: Source;
  values: FileValues;
  spec: StackFileSpec;
  services: ReadonlyMap<string, ServiceSpec>;
  /** Every service it names, broken ones too. */
  serviceNames: readonly string[];
  problems: readonly Problem[];
}>;

const parts: ReadonlyMap<string, z.ZodType> = new Map(Object.entries(stackFileSchema.shape));

/** Reads what is valid in a file and says what is not. */
export function readStackFile(source: Source, variables: Variables): StackFile {
  const syntax = syntaxProblems(source);
  if (syntax.length > 0) return { ...nothing(source), problems: syntax };
  const values = readValues(source, variables);
  const problems: Problem[] = [...values.problems];
  const content = asMap(values.value);
  const spec: Record<string, unknown> = {};
  for (const key of Object.keys(content).filter((name) => name !== "services")) {
    const part = parts.get(key)?.safeParse(content[key], { reportInput: true });
    if (!part) problems.push(unknownKey(source, [key], [...parts.keys()]));
    else if (part.success) spec[key] = part.data;
    else problems.push(...explain(source, [key], part.error));
  }
  const services = readServices(source, content["services"], problems);
  return {
    source,
    values,
    spec,
    services,
    serviceNames: Object.keys(asMap(content["services"])),
    problems,
  };
}

function readServices(
  source: Source,
  value: unknown,
  problems: Problem[],
): ReadonlyMap<string, ServiceSpec> {
  const services = new Map<string, ServiceSpec>();
  if (value !== undefined && value !== null && !isRecord(value)) {
    problems.push(problemIn(source, ["services"], "must be a map of services by name"));
  }
  for (const [name, content] of Object.entries(asMap(value))) {
    problems.push(...nameProblems(source, name));
    const read = serviceSchema.safeParse(content, { reportInput: true });
    if (read.success) services.set(name, read.data);
    else problems.push(...explain(source, ["services", name], read.error));
  }
  return services;
}

function nameProblems(source: Source, name: string): readonly Problem[] {
  const path = ["services", name];
  if (name === "gateway") {
    return [
      problemIn(source, path, "`gateway` is the name of the gateway itself: choose another", {
        atKey: true,
      }),
    ];
  }
  if (serviceName.test(name) && name.length <= 40) return [];
  const rule = "a service's name is its host name: lower-case letters, digits, - and _, at most 40";
  return [problemIn(source, path, rule, { atKey: true })];
}

function explain(source: Source, at: Path, error: z.ZodError): readonly Problem[] {
  return schemaProblems(source, at, error.issues, keysAt);
}

/** The keys that are valid at a path: looked up in the schema, one step at a time. */
function keysAt(path: Path): readonly string[] {
  let schemas: readonly Schema[] = [stackFileSchema];
  for (const step of path) schemas = schemas.flatMap((schema) => stepInto(schema, step));
  const inner = schemas.flatMap(unwrap);
  return [
    ...new Set(
      inner.flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])),
    ),
  ];
}

type Schema = z.core.$ZodType;

function stepInto(schema: Schema, step: string | number): readonly Schema[] {
  return unwrap(schema).flatMap((inner): readonly Schema[] => {
    if (inner instanceof z.ZodArray) return [inner.element];
    if (inner instanceof z.ZodRecord) return [inner.valueType];
    const shape: Readonly<Record<string, Schema>> = inner instanceof z.ZodObject ? inner.shape : {};
    const found = shape[step];
    return found === undefined ? [] : [found];
  });
}

/** Every object, list or record schema behind optionals, unions and transforms. */
function unwrap(schema: Schema): readonly Schema[] {
  if (schema instanceof z.ZodPipe) return [schema.in, schema.out].flatMap(unwrap);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrap);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return unwrap(schema.unwrap());
  return [schema];
}

/** Takes variables' values out of a message about a file: they may be secrets. */
export function withoutValues(problem: Problem, file: StackFile, variables: Variables): Problem {
  const filled = file.values.filled.filter(({ path }) => path.startsWith(problem.path));
  const names = new Set(filled.flatMap((value) => value.names));
  const message = [...names].reduce((text, name) => {
    const value = variables.get(name)?.value ?? "";
    return value.length < 4 ? text : text.replaceAll(value, () => `\${${name}}`);
  }, problem.message);
  return { ...problem, message };
}

function nothing(source: Source): Omit<StackFile, "problems"> {
  const values: FileValues = { value: null, problems: [], unset: [], filled: [] };
  return { source, values, spec: {}, services: new Map(), serviceNames: [] };
}

function asMap(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** Names of the variables that the value at `path` was filled in from; empty when it was written out. */
export function variablesBehind({ source, values }: StackFile, path: Path): readonly string[] {
  const offset = offsetOf(source, path, false);
  return values.filled.find((value) => value.offset === offset)?.names ?? [];
}
