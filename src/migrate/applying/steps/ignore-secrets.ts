/** Git never takes what a migration keeps beside the stack file. */
import { join } from "node:path";
import { missingIgnore } from "../../../stack/new-stack.ts";
import type { Step } from "../../migration-plan.ts";
import { append, toAppend } from "../appended.ts";
import type { StepContext, StepWorker } from "../context.ts";
import { beginPlacing, place, type Placing } from "./placing.ts";

type IgnoreSecrets = Extract<Step, { kind: "ignore-secrets" }>;

const file = ".gitignore";

/** Adds a line to `.gitignore`, or writes one; one that has the line already stays as it is. */
export const ignoreSecretsStep: StepWorker<"ignore-secrets"> = {
  begin: async (step, context) => {
    const path = join(context.paths.directory, file);
    const before = await context.disk.read(path);
    if (before === undefined) return beginPlacing(placing(step, context), context);
    const missing = missingIgnore(before.toString("utf8"));
    return missing === "" ? {} : { appended: toAppend(path, before, missing) };
  },
  carryOut: async (step, context, run) => {
    const { begun } = run;
    if (begun.files) return place(placing(step, context), context, run);
    if (begun.appended) await append(begun.appended, context.disk);
    return begun;
  },
};

function placing({ id }: IgnoreSecrets, { disk }: StepContext): Placing {
  return { id, path: file, draft: (draft) => disk.write(draft, missingIgnore(""), 0o644) };
}
