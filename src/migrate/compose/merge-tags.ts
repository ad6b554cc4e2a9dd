/** Compose's own tags on values, which say how a file lies over those before it (https://docs.docker.com/reference/compose-file/merge/). Pure. */
import { isMap, isScalar, type Node } from "yaml";
import type { Path } from "../../stack/problem.ts";
import type { Source } from "../../stack/source.ts";

/** `reset`: nothing is left of it. `override`: it takes the place of what was there, and is not laid over it. */
export type MergeTag = "reset" | "override";

/** The tag at a path of a file. */
export type MergeTags = (path: Path) => MergeTag | undefined;

/** Reads the tags of a file. */
export function mergeTagsOf({ document }: Source): MergeTags {
  const tags = new Map<string, MergeTag>();
  collect(document.contents, [], tags);
  return (path) => tags.get(JSON.stringify(path));
}

function collect(node: unknown, path: Path, tags: Map<string, MergeTag>): void {
  if (!isMap(node)) return;
  for (const { key, value } of node.items) {
    if (!isScalar(key)) continue;
    const at = [...path, String(key.value)];
    const tag = tagOf(value);
    if (tag) tags.set(JSON.stringify(at), tag);
    collect(value, at, tags);
  }
}

function tagOf(node: unknown): MergeTag | undefined {
  const tag = (node as Partial<Node> | null)?.tag;
  if (tag === "!reset") return "reset";
  return tag === "!override" ? "override" : undefined;
}

/** Whether the parser only says that it does not know one of these tags. */
export function isMergeTag(problem: string): boolean {
  return /Unresolved tag: !(?:reset|override)\b/.test(problem);
}
