/** Another program that has a SQLite database open in WAL mode, as the old gateway has: a child process. */
import { spawn } from "node:child_process";
import { once } from "node:events";

/** The program, and its ways to end. */
export type DatabaseWriter = Readonly<{
  /** Ends it without a word to SQLite: the log and its index stay. */
  crash: () => Promise<void>;
  running: () => boolean;
  [Symbol.asyncDispose]: () => Promise<void>;
}>;

const program = `
const { DatabaseSync } = require("node:sqlite");
const [file, rows, busy] = process.argv.slice(1);
const database = new DatabaseSync(file);
database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;");
database.exec("CREATE TABLE IF NOT EXISTS memory (id INTEGER PRIMARY KEY, text TEXT, emb BLOB)");
const insert = database.prepare("INSERT INTO memory (text, emb) VALUES (?, ?)");
for (let row = 0; row < Number(rows); row += 1) insert.run("row " + row, new Uint8Array([row]));
process.stdout.write("ready");
if (busy === "clean") { database.close(); process.exit(0); }
setInterval(() => { if (busy === "busy") insert.run("more", new Uint8Array(900)); }, 1);
`;

/** Starts it; resolves once its rows are committed to the log. It then holds the database, or goes on writing when `busy`. */
export async function startDatabaseWriter(
  file: string,
  { rows = 3, busy = false }: Readonly<{ rows?: number; busy?: boolean }> = {},
): Promise<DatabaseWriter> {
  const child = spawn(
    process.execPath,
    ["-e", program, file, String(rows), busy ? "busy" : "hold"],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(child.stdout, "data");
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const crash = async (): Promise<void> => {
    if (!running()) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { crash, running, [Symbol.asyncDispose]: crash };
}

/** Writes a database and closes it in order. */
export async function writeDatabase(file: string, rows = 3): Promise<void> {
  const args = ["-e", program, file, String(rows), "clean"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  await once(child, "exit");
}
