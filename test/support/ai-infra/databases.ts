/** The old gateway's databases: schemas of ancestor memory_legacy.py, memory_v2.py and user_store.py, with rows that are the same each time. */
import { hash, pbkdf2Sync } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { AiInfraSecrets } from "./secrets.ts";

/** Which columns and tables the users' database has: as deployed today, before `admin` was added, or with Nexus's API keys. */
export type UserSchema = "plain" | "without-admin" | "with-keys";

/** Rows by table that {@link writeMemory} and {@link writeUsers} write. */
export const rowsOf = {
  memory: { memory: 4, memory_v2: 15 },
  users: { users: 3, user_sessions: 1, user_settings: 2, user_conversations: 3 },
  keys: { user_api_keys: 3 },
} as const;

const madeAt = 1_765_000_000;

/** Opens a database in WAL mode; what is written stays in the log while it is open. */
function open(folder: string, name: string): DatabaseSync {
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, name));
  database.exec("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;");
  return database;
}

function insert(database: DatabaseSync, table: string, row: readonly SQLInputValue[]): void {
  const places = row.map(() => "?").join(",");
  database.prepare(`INSERT INTO ${table} VALUES (${places})`).run(...row);
}

/** A vector of that many numbers, as little-endian float32. */
function embedding(seed: number, dimensions: number): Buffer {
  const bytes = Buffer.alloc(dimensions * 4);
  for (let index = 0; index < dimensions; index += 1)
    bytes.writeFloatLE(Math.sin(seed * 7919 + index), index * 4);
  return bytes;
}

/** Writes `memory.sqlite`: embeddings of 768 and 1024 dimensions; the last rows are in the log alone. */
export function writeMemory(folder: string): DatabaseSync {
  const database = open(folder, "memory.sqlite");
  database.exec(`
    CREATE TABLE memory (id TEXT PRIMARY KEY, text TEXT NOT NULL, meta TEXT, emb BLOB NOT NULL, dim INTEGER NOT NULL, ts INTEGER NOT NULL);
    CREATE INDEX idx_memory_ts ON memory(ts);
    CREATE TABLE memory_v2 (id TEXT PRIMARY KEY, type TEXT NOT NULL, source TEXT NOT NULL, text TEXT NOT NULL, meta TEXT,
      emb BLOB NOT NULL, dim INTEGER NOT NULL, ts INTEGER NOT NULL, compacted_into TEXT);
    CREATE INDEX idx_memory_v2_ts ON memory_v2(ts);
    CREATE INDEX idx_memory_v2_type_ts ON memory_v2(type, ts);
    CREATE INDEX idx_memory_v2_compacted ON memory_v2(compacted_into);`);
  for (let number = 0; number < rowsOf.memory.memory; number += 1)
    insert(database, "memory", [
      `old-${number}`,
      `Remembered long ago: ${number} 🧠`,
      number % 2 ? null : '{"by":"user"}',
      embedding(number, 768),
      768,
      madeAt + number,
    ]);
  for (let number = 0; number < rowsOf.memory.memory_v2; number += 1) {
    if (number === 12) database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    insert(database, "memory_v2", memoryRow(number));
  }
  return database;
}

function memoryRow(number: number): readonly SQLInputValue[] {
  const type = ["fact", "preference", "project", "ephemeral"][number % 4] ?? "fact";
  const text = `Thing ${number} that the ${type} store knows`;
  const dimensions = number < 10 ? 768 : 1024;
  return [
    hash("sha256", `${type}:${text}`).slice(0, 16),
    type,
    ["user", "system", "tool"][number % 3] ?? "user",
    text,
    `{"n":${number}}`,
    embedding(100 + number, dimensions),
    dimensions,
    madeAt + 60 * number,
    number === 3 ? "0123456789abcdef" : null,
  ];
}

/** Writes `users.sqlite`; carol is disabled, ada is an admin where that column exists. */
export function writeUsers(
  folder: string,
  schema: UserSchema,
  secrets: AiInfraSecrets,
): DatabaseSync {
  const database = open(folder, "users.sqlite");
  const admin = schema === "without-admin" ? "" : ", admin INTEGER NOT NULL DEFAULT 0";
  const ofUser = "FOREIGN KEY(user_id) REFERENCES users(id) ON DELETE CASCADE";
  database.exec(`
    CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT UNIQUE NOT NULL, password_hash TEXT NOT NULL, password_salt TEXT NOT NULL,
      created_ts INTEGER NOT NULL, updated_ts INTEGER NOT NULL, disabled INTEGER NOT NULL DEFAULT 0${admin});
    CREATE TABLE user_sessions (token TEXT PRIMARY KEY, user_id INTEGER NOT NULL, created_ts INTEGER NOT NULL, expires_ts INTEGER NOT NULL, ${ofUser});
    CREATE TABLE user_settings (user_id INTEGER PRIMARY KEY, settings_json TEXT NOT NULL, updated_ts INTEGER NOT NULL, ${ofUser});
    CREATE TABLE user_conversations (id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, created_ts INTEGER NOT NULL, updated_ts INTEGER NOT NULL,
      summary TEXT NOT NULL, messages_json TEXT NOT NULL, ${ofUser});
    CREATE INDEX idx_user_sessions_user ON user_sessions(user_id);
    CREATE INDEX idx_user_conversations_user ON user_conversations(user_id, updated_ts);`);
  writePeople(database, schema, secrets);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  insert(database, "user_sessions", [secrets.session, 1, madeAt, madeAt + 43_200]);
  for (const number of [1, 2, 3]) insert(database, "user_conversations", conversation(number));
  if (schema === "with-keys") writeKeys(database, secrets);
  return database;
}

function writePeople(database: DatabaseSync, schema: UserSchema, secrets: AiInfraSecrets): void {
  for (const [index, [name, password]] of Object.entries(secrets.passwords).entries()) {
    const salt = hash("sha256", `salt of ${name}`).slice(0, 32);
    const hashed = pbkdf2Sync(password, Buffer.from(salt, "hex"), 120_000, 32, "sha256");
    const flags = [name === "carol" ? 1 : 0, name === "ada" ? 1 : 0];
    insert(database, "users", [
      index + 1,
      name,
      hashed.toString("hex"),
      salt,
      madeAt + index,
      madeAt + 10 * index,
      ...(schema === "without-admin" ? flags.slice(0, 1) : flags),
    ]);
  }
  for (const user of [1, 2]) insert(database, "user_settings", [user, settings, madeAt + user]);
}

const settings = JSON.stringify({
  tokens: {},
  tool_ui: {},
  auto_detect: { images: true, music: true, video: true },
  chat: { history: true, model_preference: "coder" },
  profile: { system_prompt: "Answer in verse.", tone: "dry" },
});

function conversation(number: number): readonly SQLInputValue[] {
  const messages = [
    { role: "user", content: `Question ${number}: wie heißt du? 🙂`, ts: madeAt + number },
    { role: "assistant", content: "Nexus.", ts: madeAt + number + 1, backend: "ollama" },
  ];
  const id = `conv-${hash("sha256", String(number)).slice(0, 24)}`;
  const user = number === 3 ? 2 : 1;
  const kept = number === 2 ? [] : messages;
  return [id, user, madeAt + number, madeAt + 100 * number, "", JSON.stringify(kept)];
}

function writeKeys(database: DatabaseSync, { apiKeys }: AiInfraSecrets): void {
  const ofUser = "FOREIGN KEY(user_id) REFERENCES users(id) ON DELETE CASCADE";
  database.exec(`CREATE TABLE user_api_keys (id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, name TEXT NOT NULL, token_hash TEXT UNIQUE NOT NULL, token_hint TEXT NOT NULL,
    created_ts INTEGER NOT NULL, updated_ts INTEGER NOT NULL, last_used_ts INTEGER, revoked_ts INTEGER, expires_ts INTEGER, policy_json TEXT NOT NULL DEFAULT '{}', ${ofUser});
    CREATE INDEX idx_user_api_keys_user ON user_api_keys(user_id, created_ts);
    CREATE INDEX idx_user_api_keys_hash ON user_api_keys(token_hash);`);
  const policies = ['{"ip_allowlist":"127.0.0.1,10.0.0.0/8","tools_allowlist":"noop"}', "{}", "{}"];
  const ends = [
    [null, null],
    [madeAt + 500, null],
    [null, madeAt + 500],
  ];
  for (const [index, key] of apiKeys.entries())
    insert(database, "user_api_keys", [
      `key-${index}`,
      index === 2 ? 2 : 1,
      index === 0 ? "my laptop" : `old ${index}`,
      hash("sha256", key),
      `${key.slice(0, 8)}...${key.slice(-4)}`,
      madeAt,
      madeAt,
      null,
      ...(ends[index] ?? []),
      policies[index] ?? "{}",
    ]);
}
