/** Reads what a service says of itself: what does not hold up is named and left out, the rest counts. */
import type { core } from "zod";
import { isRecord } from "../json.ts";
import { metadataSchema, type Metadata } from "./metadata-schema.ts";

/** What is left of a document, and what was wrong with it. */
export type ReadMetadata = Readonly<{
  /** Undefined when it is not a metadata document at all. */
  metadata: Metadata | undefined;
  /** `path: what is wrong`, never with the value. */
  problems: readonly string[];
}>;

/** A document with more faults than this is not worth mending. */
const mostRounds = 40;

/** Reads a document that somebody else wrote. */
export function readMetadata(document: unknown): ReadMetadata {
  const problems = new Set<string>();
  let rest = document;
  for (let round = 0; round < mostRounds; round += 1) {
    const parsed = metadataSchema.safeParse(rest);
    if (parsed.success) return { metadata: parsed.data, problems: [...problems] };
    const [issue] = parsed.error.issues;
    if (!issue) break;
    problems.add(tell(issue));
    const mended = without(rest, issue.path);
    if (mended === undefined) break;
    rest = mended;
  }
  return { metadata: undefined, problems: [...problems] };
}

function tell({ path, message }: core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`;
}

/** The document without the smallest part that can be left out at a path; undefined when that is all of it. */
function without(document: unknown, path: readonly PropertyKey[]): unknown {
  const [step, ...deeper] = path;
  if (step === undefined || !isRecord(document)) return undefined;
  const inside = without(document[String(step)], deeper);
  if (Array.isArray(document)) {
    const items: readonly unknown[] = document;
    return inside === undefined
      ? items.toSpliced(Number(step), 1)
      : items.with(Number(step), inside);
  }
  if (inside !== undefined) return { ...document, [step]: inside };
  // A field that is missing cannot be left out: what lacks it goes.
  if (!Object.hasOwn(document, step)) return undefined;
  const { [String(step)]: _, ...rest } = document;
  return rest;
}
