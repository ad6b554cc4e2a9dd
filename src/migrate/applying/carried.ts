/** What is kept in the gateway's volume though the gateway cannot use it yet: `/data/carried/`, with a list of it. */
import { join, relative, sep } from "node:path";
import type { ArchiveEntry } from "../../engine/engine.ts";
import { gatewayUser } from "../../plan/container-request.ts";
import type { Carried, MigrationPlan } from "../migration-plan.ts";
import type { StepContext } from "./context.ts";

/** One file that is carried. */
export type CarriedFile = Readonly<{
  /** Below the folder of what is carried: `ai2/data/memory.sqlite`. */
  path: string;
  bytes: number;
  sha256: string;
}>;

/** The folder in the gateway's volume. */
export const carriedFolder = "carried";

/** Every staged file below the paths of the step, with what it is there. */
export async function listCarried(
  staged: readonly string[],
  { disk, paths }: Pick<StepContext, "disk" | "paths">,
): Promise<readonly CarriedFile[]> {
  const found: CarriedFile[] = [];
  for (const path of staged) {
    const root = join(paths.directory, path);
    const below = (await disk.below(root)).filter(({ kind }) => kind === "file");
    const files = below.length > 0 ? below.map((file) => join(root, file.path)) : [root];
    for (const file of files) {
      const sha256 = await disk.digest(file);
      if (sha256 === undefined) continue;
      const bytes = (await disk.size(file)) ?? 0;
      found.push({ path: relative(paths.staged, file).split(sep).join("/"), bytes, sha256 });
    }
  }
  return found;
}

/** Files, folders and the list, for the gateway alone. */
export function carriedEntries(
  files: readonly CarriedFile[],
  { plan, paths }: Pick<StepContext, "plan" | "paths">,
): readonly ArchiveEntry[] {
  const owner = { uid: gatewayUser, gid: gatewayUser };
  const folders = [...new Set(files.flatMap(({ path }) => foldersOf(path)))].toSorted();
  const list = `${JSON.stringify(carriedList(files, plan), undefined, 2)}\n`;
  return [
    ...["", ...folders].map((folder) => ({
      path: folder === "" ? carriedFolder : `${carriedFolder}/${folder}`,
      mode: 0o700,
      ...owner,
      directory: true as const,
    })),
    ...files.map(({ path }) => ({
      path: `${carriedFolder}/${path}`,
      mode: 0o600,
      ...owner,
      source: join(paths.staged, path),
    })),
    { path: `${carriedFolder}/carried.json`, mode: 0o600, ...owner, content: list },
  ];
}

function carriedList(files: readonly CarriedFile[], plan: MigrationPlan) {
  return {
    version: 1,
    note: "Carried over from an old installation, and kept as it was.",
    what: plan.data.map((each) => describeCarried(each)),
    files,
  };
}

function describeCarried({ what, host, path, active, because }: Carried) {
  return { what, host, from: path, state: active ? "active" : "not yet active", because };
}

/** `a/b/c` has the folders `a` and `a/b`. */
function foldersOf(path: string): readonly string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}
