/** A SQLite database of a host over ssh: copied by a program there into its own memory, so that nothing is written there. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { saveStream } from "./copy-out.ts";
import { backupDatabase, checkWhole } from "./databases.ts";
import { DatabaseRefusal, isDatabase } from "./open-database.ts";
import { makePrivateTemporary } from "./private-temporary.ts";
import { databaseScript, scriptEnds, streamScript } from "./ssh-scripts.ts";
import type { SshSession } from "./ssh-session.ts";
import { writeWhole } from "./write-whole.ts";

/** Saves a consistent copy as a private file. Throws DatabaseRefusal, SourceUnreachableError. */
export async function saveDatabase(session: SshSession, path: string, to: string): Promise<void> {
  await using folder = await makePrivateTemporary("nexus-database-");
  const came = join(folder.path, "came");
  const answer = await ask(session, databaseScript(path), came);
  if (answer.code === scriptEnds.atRest) return await fetchAtRest(session, path, to);
  if (answer.code !== 0) throw new DatabaseRefusal(whyNot(answer));
  await writeWhole(to, async (part) => {
    const bytes = await readFile(came);
    if (bytes.length === 0 || (await isDatabase(came))) await writeFile(part, bytes);
    else restore(part, bytes.toString("utf8"));
    checkWhole(part);
  });
}

type Ended = Readonly<{ code: number; stderr: string }>;

async function ask(session: SshSession, script: string, to: string): Promise<Ended> {
  const save = async (output: AsyncIterable<unknown>) => saveStream(output, to);
  const answer = await session.stream(script, save, { asRoot: false });
  if (answer.code !== scriptEnds.noRight) return answer;
  return session.stream(script, save, { asRoot: true });
}

/** A log without its index: no program has it open, so its files are of one moment as they are. */
async function fetchAtRest(session: SshSession, path: string, to: string): Promise<void> {
  await using folder = await makePrivateTemporary("nexus-database-");
  for (const suffix of ["", "-wal"]) {
    const answer = await ask(
      session,
      streamScript(`${path}${suffix}`),
      join(folder.path, `db${suffix}`),
    );
    if (answer.code !== 0) throw new DatabaseRefusal(whyNot(answer));
  }
  await backupDatabase(join(folder.path, "db"), to);
}

function restore(file: string, sql: string): void {
  if (/^ROLLBACK; -- due to errors/m.test(sql))
    throw new DatabaseRefusal("the database is damaged");
  const database = new DatabaseSync(file);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

function whyNot({ code, stderr }: Ended): string {
  if (code === scriptEnds.noReader)
    return "a live database is copied by Python's sqlite3 or by the sqlite3 program there, and that host has neither: install one of them";
  if (code === scriptEnds.noRight)
    return "this user has no right to read it, also not through `sudo -n`";
  if (code === scriptEnds.absent || code === scriptEnds.dangling) return "it is not there";
  const words = stderr.trim().split("\n").at(-1) ?? "";
  if (/malformed|not a database|disk image/.test(words)) return "the database is damaged";
  return words === "" ? `the copy ended with ${code}` : words;
}
