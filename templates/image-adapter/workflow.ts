/** Graphs as JSON files with places such as "{prompt}" to fill in. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject } from "./http.ts";

/** A graph, as its software takes it. */
export type Workflow = Record<string, unknown>;

/** What is filled in, by the name of its place. */
export type Values = Record<string, unknown>;

/** Reads a graph of this folder, or the file of that absolute path. Throws when it is no JSON object. */
export function readWorkflow(file: string): Workflow {
  const path = join(import.meta.dirname, "workflows", file);
  const document: unknown = JSON.parse(readFileSync(file.startsWith("/") ? file : path, "utf8"));
  if (isObject(document)) return document;
  throw new Error(`${file} must hold a JSON object.`);
}

/** A text that is one place becomes the value itself, a number stays a number; places inside a longer text are written into it. */
export function fillWorkflow(workflow: Workflow, values: Values): Workflow {
  const filled = Object.entries(workflow).map(([key, value]) => [key, fill(value, values)]);
  return Object.fromEntries(filled) as Workflow;
}

function fill(value: unknown, values: Values): unknown {
  if (typeof value === "string") return fillText(value, values);
  if (Array.isArray(value)) return value.map((item) => fill(item, values));
  return isObject(value) ? fillWorkflow(value, values) : value;
}

function fillText(text: string, values: Values): unknown {
  const [, whole = ""] = /^\{(\w+)\}$/.exec(text) ?? [];
  if (Object.hasOwn(values, whole)) return values[whole];
  return text.replace(/\{(\w+)\}/g, (place, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : place,
  );
}
