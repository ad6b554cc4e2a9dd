/** A file of an old host as a file of the stack: certificates and their keys. */
import type { Step } from "../../migration-plan.ts";
import { type StepContext, type StepWorker, treeOf } from "../context.ts";
import { beginPlacing, place, type Placing } from "./placing.ts";

/** Fetches a file to where the stack wants it, for its owner alone. */
export const placeFileStep: StepWorker<"place-file"> = {
  begin: (step, context) => beginPlacing(placing(step, context), context),
  carryOut: (step, context, run) => place(placing(step, context), context, run),
};

function placing(
  { id, path, host, file }: Extract<Step, { kind: "place-file" }>,
  { trees }: StepContext,
): Placing {
  return { id, path, draft: (draft) => treeOf(trees, host, file).fetch(file, draft) };
}
