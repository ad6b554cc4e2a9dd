/** Reading SQLite databases that other programs are writing, without a change to any byte of theirs. */
import { createHash } from "node:crypto";
import { backup, DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { addressOf, DatabaseRefusal, openUntouched } from "./open-database.ts";
import type { DatabaseLook } from "./tree.ts";
import { writeWhole } from "./write-whole.ts";

export { isDatabase } from "./open-database.ts";

/** All pages in one step, so that a busy writer cannot make it begin again and again. */
const allPages = 0x7f_ff_ff_ff;

/**
 * Backs up a database into a private file through SQLite's online backup: what stands in its write-ahead log is in
 * it, what is not committed is not. Throws DatabaseRefusal.
 */
export async function backupDatabase(file: string, to: string): Promise<void> {
  await using source = await openUntouched(file);
  await writeWhole(to, async (part) => {
    await said(() => backup(source.database, part, { rate: allPages }));
    checkWhole(part);
  });
}

/** Rows by table, and answers to questions, all of one moment. Throws DatabaseRefusal. */
export async function lookInto(file: string, questions: readonly string[]): Promise<DatabaseLook> {
  await using source = await openUntouched(file);
  const { database } = source;
  return await said(() => {
    database.exec("BEGIN");
    const tables = tablesOf(database);
    const counted = tables.map((table) => [table, countRows(database, table)] as const);
    const answers = questions.map((question) => answer(database, question));
    database.exec("COMMIT");
    return { rows: Object.fromEntries(counted), answers };
  });
}

/**
 * One number for all rows of a table, whatever their order: equal rows give equal numbers, each row as often as it is
 * there. `sha256sum:<rows>:<hex>`: the sum of the digests of the rows. Throws DatabaseRefusal.
 */
export async function contentChecksum(file: string, table: string): Promise<string> {
  await using source = await openUntouched(file);
  const { database } = source;
  return await said(() => {
    const rows = database.prepare(`SELECT * FROM ${quoted(table)}`);
    rows.setReadBigInts(true);
    let count = 0;
    let sum = 0n;
    for (const row of rows.iterate()) {
      count += 1;
      sum = (sum + digestOf(row)) % 2n ** 256n;
    }
    return `sha256sum:${count}:${sum.toString(16).padStart(64, "0")}`;
  });
}

function tablesOf(database: DatabaseSync): readonly string[] {
  const names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
  const rows = database.prepare(names).all() as { name: string }[];
  return rows.map(({ name }) => name).filter((name) => !name.startsWith("sqlite_"));
}

function countRows(database: DatabaseSync, table: string): number {
  const row = database.prepare(`SELECT count(*) AS n FROM ${quoted(table)}`).get();
  return Number(row?.["n"]);
}

function answer(database: DatabaseSync, question: string): DatabaseLook["answers"][number] {
  try {
    const asked = database.prepare(question);
    asked.setReadBigInts(true);
    return asked.all().map(plainRow);
  } catch {
    return undefined;
  }
}

/** Integers as numbers, or as decimal text where a number would lose digits. */
function plainRow(row: Record<string, SQLOutputValue>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));
}

function plain(value: SQLOutputValue): unknown {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function digestOf(row: Record<string, SQLOutputValue>): bigint {
  const digest = createHash("sha256");
  for (const name of Object.keys(row).toSorted()) {
    const [kind, bytes] = typed(row[name] ?? null);
    digest.update(`${name.length}:${name}${kind}${bytes.length}:`).update(bytes);
  }
  return BigInt(`0x${digest.digest("hex")}`);
}

function typed(value: SQLOutputValue): readonly [string, Uint8Array] {
  if (value === null) return ["n", Buffer.alloc(0)];
  if (typeof value === "string") return ["t", Buffer.from(value)];
  if (typeof value === "bigint") return ["i", Buffer.from(value.toString())];
  if (typeof value === "number") return ["r", Buffer.from(new Float64Array([value]).buffer)];
  return ["b", value];
}

/** Throws DatabaseRefusal where a copy is damaged. */
export function checkWhole(file: string): void {
  const copy = new DatabaseSync(addressOf(file, "immutable=1"), { readOnly: true });
  try {
    const verdict = copy.prepare("PRAGMA quick_check(1)").get();
    if (verdict?.["quick_check"] !== "ok") throw new DatabaseRefusal("the database is damaged");
  } finally {
    copy.close();
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** SQLite's own words are for programmers; what is thrown on is a clause for people. */
async function said<Value>(work: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw DatabaseRefusal.from(error);
  }
}
