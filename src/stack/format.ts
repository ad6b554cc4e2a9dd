/** Prints the effective stack, as YAML with origins or as data. Pure. */
import { Document, isScalar } from "yaml";
import { isRecord } from "./record.ts";
import type { Origin } from "./origins.ts";

/** Marks where a comment begins, so that all of them can be moved into one column. */
const mark = "\u0001";

/** The widest line that a comment is still aligned with. */
const column = 60;

/** The effective stack as a stack file: every value with `# where it came from`. Loading it again gives the same stack. */
export function formatEffective(origins: readonly Origin[]): string {
  const document = new Document(
    nest(origins.map((origin) => ({ ...origin, value: escaped(origin.value) }))),
  );
  for (const { steps, from } of origins) {
    const node = document.getIn(steps, true);
    if (isScalar(node)) node.comment = `${mark}${from}`;
  }
  return aligned(document.toString({ lineWidth: 0, flowCollectionPadding: false }));
}

/** The effective stack as plain data, in the words of the stack file. */
export function effectiveStack(origins: readonly Origin[]): Readonly<Record<string, unknown>> {
  return nest(origins);
}

/** A dollar that is meant as one is doubled. */
function escaped(value: unknown): unknown {
  return typeof value === "string" ? value.replaceAll("$", "$$$$") : value;
}

function nest(origins: readonly Pick<Origin, "steps" | "value">[]): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const { steps, value } of origins) {
    let node: unknown = root;
    for (const [index, step] of steps.entries()) {
      const next = steps[index + 1];
      const fresh = next === undefined ? value : typeof next === "number" ? [] : {};
      node = place(node, step, fresh);
    }
  }
  return root;
}

/** What stands at a step, after putting something there when nothing did. */
function place(node: unknown, step: string | number, fresh: unknown): unknown {
  if (Array.isArray(node) && typeof step === "number") return (node[step] ??= fresh);
  if (!isRecord(node)) return fresh;
  if (!Object.hasOwn(node, step)) node[step] = fresh;
  return node[step];
}

function aligned(text: string): string {
  const separator = ` #${mark}`;
  const lines = text.split("\n").map((line) => line.split(separator));
  const lengths = lines
    .filter(([, comment]) => comment !== undefined)
    .map(([code = ""]) => code.length);
  const width = Math.max(0, ...lengths.filter((length) => length <= column));
  return lines
    .map(([code = "", comment]) =>
      comment === undefined ? code : `${code.padEnd(width)}  # ${comment}`,
    )
    .join("\n");
}
