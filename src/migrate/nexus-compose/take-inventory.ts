/** What the ancestor's gateway has that goes along: its tokens, its users with their keys, its databases and files. */
import { join } from "node:path";
import { findDatabases } from "../ai-infra/databases.ts";
import { findConfigFiles, findKeptFiles } from "../ai-infra/kept-files.ts";
import { together, type Part } from "../ai-infra/part.ts";
import { gatewayData, isWithin } from "../ai-infra/paths.ts";
import type { Settings } from "../ai-infra/settings.ts";
import type { FoundToken, Inventory } from "../inventory.ts";
import { Secret } from "../secret.ts";
import type { SourceTree } from "../source/tree.ts";
import type { Ancestor } from "./ancestor.ts";
import type { OldData } from "./old-data.ts";
import { treeNames } from "./sources.ts";
import type { OldKey } from "./tokens.ts";

/** Takes the inventory; `now` decides which keys have expired. */
export async function takeAncestorInventory(
  ancestor: Ancestor,
  { directory, trees }: Readonly<{ directory: string; trees: readonly SourceTree[] }>,
  now: Date = new Date(),
): Promise<Inventory> {
  const tree = trees.find(({ host }) => host === treeNames.gateway);
  const { config } = ancestor;
  const configured = trees.find(({ host }) => host === treeNames.config);
  const settings = pathsIn(ancestor, directory);
  const kept: readonly Part[] = tree
    ? [await findDatabases(tree, settings, now), await findKeptFiles(tree, settings)]
    : [unreadable(ancestor.data, directory, "what the old gateway kept")];
  const settled: Part =
    configured && config
      ? await findConfigFiles(configured, config.target)
      : unreadable(config, directory, "the old gateway's folder of settings");
  const tokens = ancestor.keys.map((key) => tokenOf(key, directory));
  const lists = together([{ tokens }, ...kept, settled]);
  const unread = trees.flatMap((each) => each.unread());
  return {
    kind: "nexus-compose",
    hosts: [],
    routing: { models: {} },
    ...lists,
    notUnderstood: [...lists.notUnderstood, ...unread],
  };
}

/** Settings that name something in the data folder, by its path in the tree. */
function pathsIn({ settings, data }: Ancestor, directory: string): Settings {
  if (!data) return new Map();
  const at = { host: treeNames.project, file: join(directory, ".env") };
  return new Map(
    [...settings].flatMap(([name, value]) => {
      if (!isWithin(value, data.target)) return [];
      return [[name, { value: `${gatewayData}${value.slice(data.target.length)}`, at }] as const];
    }),
  );
}

function tokenOf({ name, key, policy, place }: OldKey, directory: string): FoundToken {
  const { file, line } = place;
  const token = new Secret(key);
  return {
    at: { host: treeNames.project, file: join(directory, file), line },
    kind: "token",
    name,
    digest: token.digest(),
    hint: key.slice(0, Math.min(7, Math.floor(key.length / 4))),
    policy,
  };
}

function unreadable(data: OldData | undefined, directory: string, what: string): Part {
  if (!data) return {};
  const at = { host: treeNames.project, file: directory };
  const why = `cannot be read without a container that has its volume: \`docker compose create ${data.service}\` makes one.`;
  return { notUnderstood: [{ at, what, why }] };
}
