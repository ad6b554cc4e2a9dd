/** Ranges of versions and sizes, as variants state them: `>=7.5`, `7.5`, `>=7.5 <9`. Pure. */
import { z } from "zod";

/** One bound of a range. */
export type Bound = Readonly<{ relation: ">=" | "<=" | ">" | "<" | "="; value: string }>;

const bound = /^(>=|<=|>|<|=)?(\d+(?:\.\d+)*)$/;

/** A range as text, read into its bounds, all of which must hold. */
export const rangeSchema = z
  .union([z.string(), z.number().transform(String)])
  .refine(
    (text) =>
      text
        .trim()
        .split(/\s+/)
        .every((part) => bound.test(part)),
    {
      error: "must be bounds such as >=7.5 or >=7.5 <9",
    },
  )
  .transform((text) => text.trim().split(/\s+/).map(readBound));

/** A range. */
export type Range = z.output<typeof rangeSchema>;

function readBound(text: string): Bound {
  const [, relation = "=", value = ""] = bound.exec(text) ?? [];
  return { relation: relation as Bound["relation"], value };
}

/** Whether a version such as `580.65.06` lies in the range; parts that are left out count as 0. */
export function isWithin(range: Range, version: string): boolean {
  return range.every(({ relation, value }) => {
    const order = compareVersions(version, value);
    if (relation === "=") return order === 0;
    if (relation === ">=") return order >= 0;
    if (relation === "<=") return order <= 0;
    return relation === ">" ? order > 0 : order < 0;
  });
}

/** The range as it is written. */
export function formatRange(range: Range): string {
  return range
    .map(({ relation, value }) => `${relation === "=" ? "" : relation}${value}`)
    .join(" ");
}

/** Negative, zero or positive, part by part: 8.10 comes after 8.9. */
function compareVersions(left: string, right: string): number {
  const others = partsOf(right);
  const some = partsOf(left);
  const length = Math.max(some.length, others.length);
  const differences = Array.from({ length }, (_, at) => (some[at] ?? 0) - (others[at] ?? 0));
  return differences.find((difference) => difference !== 0) ?? 0;
}

function partsOf(version: string): readonly number[] {
  return version.split(".").map(Number);
}
