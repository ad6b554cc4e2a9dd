/** Trees that lie on this machine: its own root, and copied folders. */
import { readdir, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, join, resolve } from "node:path";
import { SourceNotFoundError } from "./errors.ts";
import { FolderTree, type FolderOptions } from "./folder-tree.ts";
import { gatewayData, type Layout, layoutOf } from "./layout.ts";
import { runHere } from "./local-programs.ts";
import { reasonOf } from "./reason.ts";
import type { SourceTree } from "./tree.ts";

/** This machine as it runs. */
export function liveTree(host = shortName(hostname())): SourceTree {
  return new FolderTree({ host, root: "/", run: runHere });
}

/**
 * The hosts of a copied folder: one, or one a sub-folder (`DIR/ai1/var/lib/…`), each called what its own
 * /etc/hostname says, else what its folder is called. Throws SourceNotFoundError.
 */
export async function copiedTrees(folder: string): Promise<readonly SourceTree[]> {
  const { root, layout } = await findLayout(resolve(folder));
  return treesBelow({ root, host: basename(root) }, layout);
}

/** The trees of a folder that is laid out so; `options` go to each of them. */
export async function treesBelow(
  options: FolderOptions,
  layout: Layout,
): Promise<readonly SourceTree[]> {
  const { root } = options;
  switch (layout.kind) {
    case "hosts":
      return layout.names.map(
        (host) => new FolderTree({ ...options, host, root: join(root, host) }),
      );
    case "gateway-data":
      return [new FolderTree({ ...options, at: gatewayData })];
    case "host":
      return [new FolderTree({ ...options, host: await nameOf(options) })];
    case "unknown":
      return [];
  }
}

/** Looks at the names in a folder, and goes into it where it holds one folder only. Throws SourceNotFoundError, which names `called`. */
export async function findLayout(
  root: string,
  called = root,
): Promise<Readonly<{ root: string; layout: Layout }>> {
  const below: Record<string, readonly string[]> = {};
  const names = await namesIn(root);
  for (const name of names) {
    const inner = join(root, name);
    if (await isFolder(inner)) below[name] = await namesIn(inner).catch(() => []);
  }
  const layout = layoutOf(names, below);
  const [only, ...others] = Object.keys(below);
  if (layout.kind === "unknown" && only !== undefined && others.length === 0)
    return findLayout(join(root, only), called);
  if (layout.kind !== "unknown") return { root, layout };
  throw new SourceNotFoundError(
    called,
    "it has no var, etc or Library, no folders of hosts that have, and no memory.sqlite or users.sqlite",
  );
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    const why = reasonOf(error);
    throw new SourceNotFoundError(folder, why === "absent" ? "there is no such folder" : why);
  }
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() ?? false;
}

async function nameOf(options: FolderOptions): Promise<string> {
  const file = await new FolderTree(options).read("/etc/hostname");
  const name = file.kind === "file" ? shortName(file.bytes.toString("utf8")) : "";
  return name === "" ? options.host : name;
}

const shortName = (name: string) => name.trim().split(".")[0] ?? name;
