/** The old gateway's databases, looked at without a touch. */
import { posix } from "node:path";
import type { FoundDatabase } from "../inventory.ts";
import type { Place } from "../reading.ts";
import type { DatabaseLook, SourceTree } from "../source/tree.ts";
import { together, type Part } from "./part.ts";
import { gatewayData, isLeftover } from "./paths.ts";
import { findApiKeys, findUsers, questions as ofPeople, type Row } from "./people.ts";
import { setting, type Settings } from "./settings.ts";

const ofMemory = ["memory", "memory_v2"].map(
  (table) => `SELECT dim, count(*) AS rows FROM ${table} GROUP BY dim ORDER BY dim`,
);

/** Every database of the gateway's host; users and their keys with them. `now` decides which keys have expired. */
export async function findDatabases(
  tree: SourceTree,
  settings: Settings,
  now: Date,
): Promise<Part> {
  const named = [
    { name: "memory", path: pathOf(settings, "MEMORY_DB_PATH", "memory.sqlite") },
    { name: "users", path: pathOf(settings, "USER_DB_PATH", "users.sqlite") },
  ];
  const others = (await tree.list(gatewayData))
    .filter(({ kind, path }) => kind === "file" && isDatabase(path) && !isLeftover(path))
    .filter(({ path }) => named.every((each) => each.path !== path))
    .map(({ path }) => ({ name: posix.parse(path).name, path }));
  const parts: Part[] = [];
  for (const { name, path } of [...named, ...others])
    parts.push(await findDatabase(tree, { name, path }, now));
  return together(parts);
}

/** Whether a file is a database or belongs to one. */
export function isDatabase(path: string): boolean {
  return /\.(?:sqlite3?|db)$/.test(path);
}

function pathOf(settings: Settings, name: string, usual: string): string {
  const said = setting(settings, name)?.value ?? "";
  return posix.isAbsolute(said) ? posix.normalize(said) : `${gatewayData}/${usual}`;
}

const asked: Readonly<Record<string, readonly string[]>> = { memory: ofMemory, users: ofPeople };

async function findDatabase(
  tree: SourceTree,
  { name, path }: Readonly<{ name: string; path: string }>,
  now: Date,
): Promise<Part> {
  const entry = await tree.entry(path);
  if (entry?.kind !== "file") return {};
  const log = await tree.entry(`${path}-wal`);
  const found = { name, host: tree.host, path, bytes: entry.bytes + (log?.bytes ?? 0) };
  const at: Place = { host: tree.host, file: path };
  const look = await tree.look(path, Object.hasOwn(asked, name) ? (asked[name] ?? []) : []);
  return together(look ? seen(found, look, now) : [{ databases: [found] }, unseen(at)]);
}

function seen(found: FoundDatabase, look: DatabaseLook, now: Date): readonly Part[] {
  const { name, host, path: file } = found;
  const embeddings = name === "memory" && { embeddings: dimensionsOf(look) };
  const database = { ...found, rows: look.rows, ...embeddings };
  const people = name === "users" ? peopleOf(look, { host, file }, now) : [];
  return [{ databases: [database] }, ...people];
}

function unseen(at: Place): Part {
  const why =
    "cannot be looked at without a change beside it: what is in it is known once it is copied.";
  return { notUnderstood: [{ at, what: "the database", why }] };
}

function peopleOf({ answers: [users, keys] }: DatabaseLook, at: Place, now: Date): readonly Part[] {
  const why = "has no users as the old gateway keeps them.";
  return [
    users ? findUsers(users, at) : { notUnderstood: [{ at, what: "users", why }] },
    // Only gateways of Nexus's time have that table.
    findApiKeys(keys ?? [], at, now),
  ];
}

/** Rows by dimension, of both tables. */
function dimensionsOf({ answers }: DatabaseLook): Readonly<Record<string, number>> {
  const sums = new Map<string, number>();
  for (const row of answers.flatMap((rows: readonly Row[] | undefined) => rows ?? [])) {
    const dimension = String(row["dim"]);
    sums.set(dimension, (sums.get(dimension) ?? 0) + Number(row["rows"]));
  }
  return Object.fromEntries(sums);
}
