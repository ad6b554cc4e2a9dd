/** A secret of an old settings file as a secret of the stack: read and written, never shown. */
import type { Step } from "../../migration-plan.ts";
import { settingsInFile } from "../../read/settings-file.ts";
import { type StepContext, type StepWorker, treeOf } from "../context.ts";
import { SourceGoneError } from "../errors.ts";
import { beginPlacing, place, type Placing } from "./placing.ts";

type WriteSecret = Extract<Step, { kind: "write-secret" }>;

/** Writes a secret to a file of its own, for its owner alone. */
export const writeSecretStep: StepWorker<"write-secret"> = {
  begin: (step, context) => beginPlacing(placing(step, context), context),
  carryOut: (step, context, run) => place(placing(step, context), context, run),
};

function placing(step: WriteSecret, { disk, trees }: StepContext): Placing {
  const { id, path } = step;
  return {
    id,
    path,
    draft: async (draft) => disk.write(draft, await readSetting(step, trees), 0o600),
  };
}

async function readSetting(
  { host, file, setting }: WriteSecret,
  trees: StepContext["trees"],
): Promise<string> {
  const read = await treeOf(trees, host, file).read(file);
  if (read.kind !== "file") throw new SourceGoneError(host, file);
  const found = settingsInFile(read.bytes, { host, file }).get(setting);
  if (found === undefined) throw new SourceGoneError(host, `${setting} in ${file}`);
  return found.value;
}
