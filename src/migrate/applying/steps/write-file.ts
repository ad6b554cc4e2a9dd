/** A text of our own as a file of the stack: the stack file, and what it names. */
import type { Step } from "../../migration-plan.ts";
import type { StepContext, StepWorker } from "../context.ts";
import { beginPlacing, place, type Placing } from "./placing.ts";

/** Writes a file that is not there yet. */
export const writeFileStep: StepWorker<"write-file"> = {
  begin: (step, context) => beginPlacing(placing(step, context), context),
  carryOut: (step, context, run) => place(placing(step, context), context, run),
};

function placing(
  { id, path, text, mode }: Extract<Step, { kind: "write-file" }>,
  { disk }: StepContext,
): Placing {
  return { id, path, draft: (draft) => disk.write(draft, text, mode) };
}
