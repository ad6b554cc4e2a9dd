/** The ledger in an SQLite file: written ahead, so that a kill loses nothing that was written. */
import { existsSync, renameSync } from "node:fs";
import { basename } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { UsageGrouping, UsageRow } from "../protocol.ts";
import { hourMs } from "./booking.ts";
import { BrokenLedger, type Batch, type LedgerPlace, type LedgerStore } from "./ledger-store.ts";

type Sqlite = Readonly<{ DatabaseSync: typeof DatabaseSync }>;

const version = 1;
const hoursPerDay = 24;

const tables = `
  CREATE TABLE IF NOT EXISTS usage (
    hour INTEGER, key TEXT, service TEXT, model TEXT, endpoint TEXT,
    requests INTEGER, failures INTEGER, estimated INTEGER,
    input_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER, seconds REAL,
    PRIMARY KEY (hour, key, service, model, endpoint)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS last_used (key TEXT PRIMARY KEY, at INTEGER) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${version};
`;

const addRow = `
  INSERT INTO usage VALUES (:hour, :key, :service, :model, :endpoint, :requests, :failures, :estimated,
    :input_tokens, :cached_tokens, :output_tokens, :seconds)
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, failures = failures + excluded.failures,
    estimated = estimated + excluded.estimated, input_tokens = input_tokens + excluded.input_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens, output_tokens = output_tokens + excluded.output_tokens,
    seconds = seconds + excluded.seconds
`;

const markUsed = `
  INSERT INTO last_used VALUES (:key, :at) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)
`;

const names = {
  key: "key",
  model: "model",
  service: "service",
  endpoint: "endpoint",
  day: "strftime('%Y-%m-%d', hour * 3600, 'unixepoch')",
} as const satisfies Record<UsageGrouping, string>;

/** The ledger's file; rows older than `keptDays` are dropped when it is opened. */
export async function sqlitePlace(file: string, keptDays: number): Promise<LedgerPlace> {
  // Loaded here, as the parts of this program that keep no ledger must not pay for it.
  const sqlite = await import("node:sqlite");
  return {
    open: () => telling(() => new SqliteStore(sqlite, file, keptDays)),
    moveAside: () => moveAside(file),
  };
}

class SqliteStore implements LedgerStore {
  readonly #database: DatabaseSync;
  readonly #addRow: StatementSync;
  readonly #markUsed: StatementSync;
  readonly #keptDays: number;
  #isPruned = false;

  constructor(sqlite: Sqlite, file: string, keptDays: number) {
    this.#keptDays = keptDays;
    this.#database = new sqlite.DatabaseSync(file, { timeout: 100 });
    try {
      this.#prepareFile();
      this.#addRow = this.#database.prepare(addRow);
      this.#markUsed = this.#database.prepare(markUsed);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  add({ rows, lastUsed }: Batch): void {
    telling(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        this.#prune();
        for (const row of rows) this.#addRow.run(row);
        for (const [key, at] of lastUsed) this.#markUsed.run({ key, at });
        this.#database.exec("COMMIT");
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  sumsBy(grouping: UsageGrouping, sinceHour: number): readonly UsageRow[] {
    const query = `
      SELECT ${names[grouping]} AS name, sum(requests) AS requests, sum(failures) AS failures,
        sum(estimated) AS estimated, sum(input_tokens) AS input_tokens, sum(cached_tokens) AS cached_tokens,
        sum(output_tokens) AS output_tokens, sum(seconds) AS seconds
      FROM usage WHERE hour >= ? GROUP BY 1
    `;
    return telling(() => this.#database.prepare(query).all(sinceHour) as UsageRow[]);
  }

  lastUsed(): ReadonlyMap<string, number> {
    const rows = telling(() => this.#database.prepare("SELECT key, at FROM last_used").all());
    return new Map(rows.map(({ key, at }) => [String(key), Number(at)]));
  }

  close(): void {
    this.#database.close();
  }

  /** Drops what is too old, once in the life of a store. */
  #prune(): void {
    if (this.#isPruned) return;
    const oldest = Math.floor(Date.now() / hourMs) - this.#keptDays * hoursPerDay;
    this.#database.prepare("DELETE FROM usage WHERE hour < ?").run(oldest);
    this.#isPruned = true;
  }

  /** A file that is as it should be is not written to: it can be read on a full disk. */
  #prepareFile(): void {
    const { user_version: found } = this.#database.prepare("PRAGMA user_version").get() ?? {};
    if (Number(found) > version) throw new BrokenLedger("it was written by a newer Nexus");
    // The gateway's root is read-only: there is no other place for what SQLite sorts.
    this.#database.exec("PRAGMA temp_store = MEMORY");
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    if (found !== version) this.#database.exec(tables);
  }
}

/** https://www.sqlite.org/rescode.html: what the disk or the file did, in words; other failures pass as they are. */
const reasons: Readonly<Record<number, string>> = {
  5: "another process has locked it",
  8: "it cannot be written: the disk or the file is read-only",
  10: "the disk failed to read or write it",
  13: "the disk is full",
  14: "it cannot be opened",
};
const broken = new Set([11, 26]);

function telling<Result>(act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    const code = (error as { errcode?: number }).errcode;
    if (code === undefined) throw error;
    // The low byte is the kind of failure, whatever more is known of it.
    const kind = code & 0xff;
    if (broken.has(kind)) throw new BrokenLedger("it is damaged, or no ledger", { cause: error });
    throw new Error(reasons[kind] ?? `SQLite says ${code}`, { cause: error });
  }
}

function moveAside(file: string): string {
  const aside = `${file}.unread-${Date.now()}`;
  for (const part of ["", "-wal", "-shm"]) {
    if (existsSync(file + part)) renameSync(file + part, aside + part);
  }
  return basename(aside);
}
