/** What is in a database, in numbers that another copy of it must have, too. */
import { DatabaseRefusal } from "../source/open-database.ts";
import { contentChecksum, lookInto } from "../source/databases.ts";

/** Rows and checksum of every table. */
export type DatabaseContents = Readonly<{
  tables: Readonly<Record<string, Readonly<{ rows: number; checksum: string }>>>;
  /** Rows by dimension, of every table that keeps embeddings; absent where none does. */
  embeddings?: Readonly<Record<string, number>>;
}>;

/** Counts a database; undefined for one that SQLite cannot read here, such as one with tables of an extension. */
export async function contentsOf(file: string): Promise<DatabaseContents | undefined> {
  try {
    return await count(file);
  } catch (error) {
    if (error instanceof DatabaseRefusal) return undefined;
    throw error;
  }
}

async function count(file: string): Promise<DatabaseContents> {
  const { rows } = await lookInto(file, []);
  const tables: Record<string, { rows: number; checksum: string }> = {};
  for (const [name, amount] of Object.entries(rows))
    tables[name] = { rows: amount, checksum: await contentChecksum(file, name) };
  const embeddings = await countEmbeddings(file, Object.keys(rows));
  return { tables, ...(Object.keys(embeddings).length > 0 && { embeddings }) };
}

/** The old gateway's tables of memories have the columns `emb` and `dim`; a question about others is none. */
async function countEmbeddings(
  file: string,
  tables: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const questions = tables.map(
    (table) =>
      `SELECT t.dim AS dim, count(t.emb) AS amount FROM "${table.replaceAll('"', '""')}" AS t GROUP BY t.dim ORDER BY t.dim`,
  );
  const { answers } = await lookInto(file, questions);
  const sums: Record<string, number> = {};
  for (const { dim, amount } of answers.flatMap((answer) => answer ?? []))
    sums[String(dim)] = (sums[String(dim)] ?? 0) + Number(amount);
  return sums;
}

/** What differs between what a database had and what it has: a clause for each table, empty when it is the same. */
export function differencesOf(had: DatabaseContents, has: DatabaseContents): readonly string[] {
  return Object.entries(had.tables).flatMap(([table, { rows, checksum }]) => {
    const now = has.tables[table];
    if (now === undefined) return [`the table ${table} is not there`];
    if (now.rows !== rows) return [`${table} has ${now.rows} rows, not ${rows}`];
    return now.checksum === checksum ? [] : [`rows of ${table} differ`];
  });
}

/** In words: `4 rows of memory, 15 of users; 19 embeddings (10 of dimension 768, 9 of dimension 1024)`. */
export function contentsText({ tables, embeddings = {} }: DatabaseContents): string {
  const amounts = Object.entries(tables).map(([table, { rows }], index) =>
    index === 0 ? `${rows} rows of ${table}` : `${rows} of ${table}`,
  );
  const sizes = Object.entries(embeddings);
  if (sizes.length === 0) return amounts.join(", ") || "no table";
  const total = sizes.reduce((sum, [, amount]) => sum + amount, 0);
  const each = sizes.map(([dimension, amount]) => `${amount} of dimension ${dimension}`);
  return `${amounts.join(", ")}; ${total} embeddings (${each.join(", ")})`;
}
