/** A further name for models, and the most that may be asked of them under it. */
import { z } from "zod";
import { integer, oneOrMore } from "./fields.ts";

const targets = oneOrMore.refine((list) => list.length > 0, "must lead to one model at least");

/** An alias as written: its targets, or its targets with caps. */
export const alias = z.union([
  targets,
  z.strictObject({
    to: targets.describe("One target or an ordered list: service/model or a model's name."),
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

/** Where an alias leads, in order. */
export function targetsOf(spec: AliasSpec): string[] {
  return "to" in spec ? spec.to : [...spec];
}
