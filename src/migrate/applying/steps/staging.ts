/** What is fetched from the old hosts: the backup, and what later steps work from. */
import { dirname, join } from "node:path";
import { contentsOf } from "../contents.ts";
import { tellingGrowth } from "../growth.ts";
import { type StepContext, type StepWorker, treeOf } from "../context.ts";
import type { Traces } from "../journal.ts";

/** Stages a database through its own online backup: never a copy of a live file. */
export const backupDatabaseStep: StepWorker<"backup-database"> = {
  begin: async () => ({}),
  carryOut: async ({ to, database: { host, path, bytes: total } }, context, { tell }) => {
    const traces = await stage(to, context, (draft) =>
      tellingGrowth(treeOf(context.trees, host, path).backup(path, draft), {
        draft,
        disk: context.disk,
        tell: (done) => tell({ subject: path, bytes: { done, total } }),
      }),
    );
    const contents = await contentsOf(join(context.paths.directory, to));
    return { ...traces, ...(contents && { contents }) };
  },
};

/** Stages files. */
export const fetchFilesStep: StepWorker<"fetch-files"> = {
  begin: async () => ({}),
  carryOut: ({ to, files: { host, path, bytes: total } }, context, { tell }) =>
    stage(to, context, (draft) =>
      tellingGrowth(treeOf(context.trees, host, path).fetch(path, draft), {
        draft,
        disk: context.disk,
        tell: (done) => tell({ subject: path, bytes: { done, total } }),
      }),
    ),
};

/** Something that is staged has its name only once it is whole. */
async function stage(
  to: string,
  { disk, paths }: StepContext,
  fetch: (draft: string) => Promise<void>,
): Promise<Traces> {
  const target = join(paths.directory, to);
  if (!(await disk.exists(target))) {
    const draft = `${target}.part`;
    await disk.makeFolder(dirname(target), 0o700);
    await disk.remove(draft);
    await fetch(draft);
    await disk.move(draft, target);
  }
  return { files: await traceFiles(target, disk) };
}

/** One after the other: a system lets a program open some hundred files at once, and a folder can have more. */
async function traceFiles(
  target: string,
  disk: StepContext["disk"],
): Promise<Traces["files"] & {}> {
  const single = await disk.digest(target);
  if (single !== undefined) return [{ path: target, sha256: single }];
  const traces: { path: string; sha256: string }[] = [];
  for (const { path, kind } of await disk.below(target)) {
    const file = join(target, path);
    if (kind === "file") traces.push({ path: file, sha256: (await disk.digest(file)) ?? "" });
  }
  return traces;
}
