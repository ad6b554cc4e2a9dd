/** What is fetched from the old hosts: the backup, and what later steps work from. */
import { dirname, join } from "node:path";
import { contentsOf } from "../contents.ts";
import { type StepContext, type StepWorker, treeOf } from "../context.ts";
import type { Traces } from "../journal.ts";

/** Stages a database through its own online backup: never a copy of a live file. */
export const backupDatabaseStep: StepWorker<"backup-database"> = {
  begin: async () => ({}),
  carryOut: async ({ to, database: { host, path } }, context) => {
    const traces = await stage(to, context, (draft) =>
      treeOf(context.trees, host, path).backup(path, draft),
    );
    const contents = await contentsOf(join(context.paths.directory, to));
    return { ...traces, ...(contents && { contents }) };
  },
};

/** Stages files. */
export const fetchFilesStep: StepWorker<"fetch-files"> = {
  begin: async () => ({}),
  carryOut: ({ to, files: { host, path } }, context) =>
    stage(to, context, (draft) => treeOf(context.trees, host, path).fetch(path, draft)),
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

async function traceFiles(
  target: string,
  disk: StepContext["disk"],
): Promise<Traces["files"] & {}> {
  const single = await disk.digest(target);
  if (single !== undefined) return [{ path: target, sha256: single }];
  const files = (await disk.below(target)).filter(({ kind }) => kind === "file");
  return Promise.all(
    files.map(async ({ path }) => {
      const file = join(target, path);
      return { path: file, sha256: (await disk.digest(file)) ?? "" };
    }),
  );
}
