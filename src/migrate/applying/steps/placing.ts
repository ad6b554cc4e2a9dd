/** Files of the stack that are new: made beside where they belong, then given their name if nothing has it. */
import { dirname, join } from "node:path";
import type { StepContext, StepRun } from "../context.ts";
import { InTheWayError } from "../errors.ts";
import type { Traces } from "../journal.ts";

/** What is to be placed. */
export type Placing = Readonly<{
  /** Of the step; names the draft. */
  id: string;
  /** Relative to the stack's folder. */
  path: string;
  /** Makes the content at a path of this machine. */
  draft: (path: string) => Promise<void>;
}>;

/** Makes the draft and says what placing it is going to make. Throws InTheWayError. */
export async function beginPlacing(
  placing: Placing,
  { disk, paths }: StepContext,
): Promise<Traces> {
  const target = join(paths.directory, placing.path);
  if (await disk.exists(target)) throw new InTheWayError(target);
  const draft = await makeDraft(placing, { disk, paths });
  return {
    files: [{ path: target, sha256: (await disk.digest(draft)) ?? "" }],
    folders: [...(await disk.missingFolders(dirname(target)))],
  };
}

/** Puts the draft in its place unless it is there. Throws InTheWayError when something else is. */
export async function place(
  placing: Placing,
  { disk, paths }: StepContext,
  { begun }: Pick<StepRun, "begun">,
): Promise<Traces> {
  const target = join(paths.directory, placing.path);
  const [wanted] = begun.files ?? [];
  const draft = draftOf(placing, paths);
  if ((await disk.digest(target)) !== wanted?.sha256) {
    if ((await disk.digest(draft)) !== wanted?.sha256) await makeDraft(placing, { disk, paths });
    await disk.makeFolder(dirname(target), target.startsWith(paths.nexus) ? 0o700 : 0o755);
    if (!(await disk.linkNew(draft, target))) throw new InTheWayError(target);
  }
  await disk.remove(draft);
  return begun;
}

async function makeDraft(
  placing: Placing,
  { disk, paths }: Pick<StepContext, "disk" | "paths">,
): Promise<string> {
  const draft = draftOf(placing, paths);
  await disk.makeFolder(paths.drafts, 0o700);
  await disk.remove(draft);
  await placing.draft(draft);
  return draft;
}

function draftOf({ id }: Placing, { drafts }: StepContext["paths"]): string {
  return join(drafts, encodeURIComponent(id));
}
