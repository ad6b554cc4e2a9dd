/** One stack file, read and checked part by part, so that every problem is found at once. Pure. */
import type { z } from "zod";
import type { Variables } from "./interpolate.ts";
import { formatPath, type Path, type Problem } from "./problem.ts";
import { type FileValues, readValues } from "./read-values.ts";
import { schemaProblems, unknownKey } from "./schema-problems.ts";
import { type ServiceSpec, serviceSchema } from "./schema/service.ts";
import { serviceName, stackFileSchema, type StackFileSpec } from "./schema/stack-file.ts";
import { problemIn, type Source, syntaxProblems } from "./source.ts";

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

/** Reads what is valid in a file and says what is not. */
export function readStackFile(source: Source, variables: Variables): StackFile {
  const syntax = syntaxProblems(source);
  if (syntax.length > 0) return { ...nothing(source), problems: syntax };
  const values = readValues(source, variables);
  const problems: Problem[] = [...values.problems];
  const content = asMap(values.value);
  const spec: Record<string, unknown> = {};
  for (const key of Object.keys(content)) {
    if (key === "services") continue;
    const part = Object.hasOwn(stackFileSchema.shape, key)
      ? stackFileSchema.shape[key as keyof StackFileSpec].safeParse(content[key], {
          reportInput: true,
        })
      : undefined;
    if (!part) problems.push(unknownKey(source, [key], Object.keys(stackFileSchema.shape)));
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
    problems: problems.map((problem) => withoutValues(problem, values, variables)),
  };
}

function readServices(
  source: Source,
  value: unknown,
  problems: Problem[],
): ReadonlyMap<string, ServiceSpec> {
  const services = new Map<string, ServiceSpec>();
  if (
    value !== undefined &&
    value !== null &&
    (typeof value !== "object" || Array.isArray(value))
  ) {
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
export function keysAt(path: Path): readonly string[] {
  let schemas: readonly unknown[] = [stackFileSchema];
  for (const step of path) schemas = schemas.flatMap((schema) => stepInto(schema, step));
  return [
    ...new Set(
      schemas.flatMap((schema) =>
        unwrap(schema).flatMap((inner) => Object.keys(inner.shape ?? {})),
      ),
    ),
  ];
}

type Inner = Readonly<{
  shape?: Readonly<Record<string, unknown>>;
  element?: unknown;
  def: Readonly<{
    type: string;
    innerType?: unknown;
    in?: unknown;
    out?: unknown;
    options?: readonly unknown[];
    valueType?: unknown;
  }>;
}>;

function stepInto(schema: unknown, step: string | number): readonly unknown[] {
  return unwrap(schema).flatMap((inner) => {
    if (typeof step === "number") return inner.element === undefined ? [] : [inner.element];
    const found = inner.shape?.[step] ?? inner.def.valueType;
    return found === undefined ? [] : [found];
  });
}

/** Every object, list or record schema behind optionals, unions and transforms. */
function unwrap(schema: unknown): readonly Inner[] {
  const inner = schema as Inner;
  const { type, innerType, in: before, out: after, options } = inner.def;
  if (type === "pipe") return [before, after].flatMap(unwrap);
  if (options) return options.flatMap(unwrap);
  return innerType === undefined ? [inner] : unwrap(innerType);
}

/** Takes variables' values out of a message: they may be secrets. */
function withoutValues(problem: Problem, values: FileValues, variables: Variables): Problem {
  const used = [...values.variables]
    .filter(([path]) => path.startsWith(problem.path))
    .flatMap(([, names]) => names);
  const message = used.reduce((text, name) => {
    const value = variables.get(name)?.value ?? "";
    return value === "" ? text : text.replaceAll(value, `\${${name}}`);
  }, problem.message);
  return { ...problem, message };
}

function nothing(source: Source): Omit<StackFile, "problems"> {
  const values: FileValues = { value: null, problems: [], unset: [], variables: new Map() };
  return { source, values, spec: {}, services: new Map(), serviceNames: [] };
}

function asMap(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** Names of the variables behind a value or the one that holds it; empty when it was written out. */
export function variablesBehind(file: StackFile, path: Path): readonly string[] {
  return file.values.variables.get(formatPath(path)) ?? [];
}
