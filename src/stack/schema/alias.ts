/** A further name for models: where it leads, on which conditions, and the most that may be asked under it. */
import { z } from "zod";
import { bytes, integer, oneOrMore } from "./fields.ts";

const targets = oneOrMore.refine((list) => list.length > 0, "must lead to one model at least");

/** A condition as written, and where requests go that meet it. */
const condition = z
  .strictObject({
    tools: z
      .boolean()
      .optional()
      .describe("Whether the request has tools; either way when left out."),
    min_bytes: bytes.optional().describe("Size of the request's body from which this holds."),
    to: targets.describe("Where it goes then: an alias, a target or an ordered list of targets."),
  })
  .refine(
    ({ tools, min_bytes: least }) => tools !== undefined || least !== undefined,
    "must name a condition: tools or min_bytes",
  );

/** An alias as written: its targets, or its targets with conditions and caps. */
export const alias = z.union([
  targets,
  z.strictObject({
    to: targets.describe(
      "One target or an ordered list (service/model or a model's name), or another alias.",
    ),
    when: z
      .array(condition)
      .optional()
      .describe("Conditions with targets of their own; the first that holds decides."),
    tools: z.boolean().optional().describe("Whether requests may have tools; true by default."),
    max_tokens: integer(1)
      .optional()
      .describe("Most tokens of an answer; also what a request that names no number gets."),
    temperature: z
      .number()
      .min(0)
      .optional()
      .describe("Highest temperature; also what a request that names none gets."),
  }),
]);

/** An alias as written. */
export type AliasSpec = Readonly<z.output<typeof alias>>;
/** A condition of an alias as written. */
export type AliasCondition = Readonly<z.output<typeof condition>>;

/** Where an alias leads when no condition holds, in order. */
export function targetsOf(spec: AliasSpec): string[] {
  return "to" in spec ? spec.to : [...spec];
}

/** The conditions of an alias, in order. */
export function conditionsOf(spec: AliasSpec): readonly AliasCondition[] {
  return "to" in spec ? (spec.when ?? []) : [];
}
