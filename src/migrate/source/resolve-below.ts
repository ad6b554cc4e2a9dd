/** Follows the symbolic links of a tree as its own host would, wherever the tree lies now; never leads out of it. */
import type { Stats } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { reasonOf } from "./reason.ts";

/** A folder of this machine, and the path that it has on its host: `/` for the whole of it. */
export type Below = Readonly<{ root: string; at: string }>;

/** Where a path really leads. */
export type Resolved = Readonly<
  | { kind: "at"; real: string; stats: Stats }
  | { kind: "absent"; dangling: boolean }
  /** `lost` when something is there that a copy would lack. */
  | { kind: "unreadable"; why: string; lost: boolean }
>;

/** As many as the kernel follows before it says that they are a loop. */
const mostLinks = 40;

/** Resolves an absolute path of the host: absolute links begin at its `/`, and `..` ends there. */
export async function resolveBelow(below: Below, path: string): Promise<Resolved> {
  let links = 0;
  let left = partsOf(path);
  const done: string[] = [];
  try {
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      const target = await step(below, done, part);
      if (target === undefined) continue;
      links += 1;
      if (links > mostLinks)
        return { kind: "unreadable", why: "its symbolic links are a loop", lost: false };
      if (isAbsolute(target)) done.length = 0;
      left = [...partsOf(target), ...left];
    }
    const real = realPath(below, done);
    if (real === undefined) return { kind: "absent", dangling: links > 0 };
    return { kind: "at", real, stats: await lstat(real) };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === "absent") return { kind: "absent", dangling: links > 0 };
    return { kind: "unreadable", why: reason, lost: true };
  }
}

/** Goes one part further; the target when that is a link, which is then not gone into. */
async function step(below: Below, done: string[], part: string): Promise<string | undefined> {
  if (part === "..") {
    done.pop();
    return undefined;
  }
  const real = realPath(below, [...done, part]);
  const target = real === undefined ? undefined : await linkAt(real);
  if (target === undefined) done.push(part);
  return target;
}

/** Undefined for what lies beside the folder on its host, or above it. */
function realPath({ root, at }: Below, parts: readonly string[]): string | undefined {
  const prefix = partsOf(at);
  const inside = prefix.every((part, index) => parts[index] === part);
  return inside ? join(root, ...parts.slice(prefix.length)) : undefined;
}

async function linkAt(path: string): Promise<string | undefined> {
  const stats = await lstat(path);
  return stats.isSymbolicLink() ? await readlink(path) : undefined;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
