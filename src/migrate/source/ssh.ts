/** A tree at another machine, through ssh; nothing is written there. */
import { readdir, rm } from "node:fs/promises";
import { join, posix } from "node:path";
import type { FoundUnit } from "../inventory.ts";
import type { NotUnderstood } from "../reading.ts";
import { falseIfDamaged, saveStream } from "./copy-out.ts";
import { isDatabase, lookInto } from "./databases.ts";
import { SourceUnreadableError } from "./errors.ts";
import { makePrivateTemporary, type PrivateTemporary } from "./private-temporary.ts";
import { saveDatabase } from "./ssh-database.ts";
import {
  entryScript,
  introduce,
  listScript,
  measureScript,
  programScript,
  readScript,
  scriptEnds,
  shutScript,
  streamScript,
  tarScript,
} from "./ssh-scripts.ts";
import { partsOf, recordsIn, Surveyor, surveyScript } from "./ssh-survey.ts";
import { type Answered, openSession, type SshAddress, type SshSession } from "./ssh-session.ts";
import type { DatabaseLook, SourceEntry, SourceFile, SourceTree } from "./tree.ts";
import { isRunning, type RunProgram, switchUnit } from "./units.ts";
import { Unread } from "./unread.ts";
import { roomFor, unpack } from "./unpack.ts";
import { makePrivateFolder } from "./write-whole.ts";

const mostBytes = 64 * 1024 * 1024;
const besideDatabase = /-(?:wal|shm|journal)$/;

const refusals: Readonly<Record<number, string>> = {
  [scriptEnds.dangling]: "it is a symbolic link to something that is not there",
  [scriptEnds.absent]: "it is not there",
  [scriptEnds.otherKind]: "it is neither a file nor a folder, or not the one that was wanted",
  [scriptEnds.tooBig]: "it is far bigger than a settings file can be",
  [scriptEnds.noRight]: "this user has no right to read it, also not through `sudo -n`",
};

/** Logs in and asks who is there. Throws SourceUnreachableError. */
export async function sshTree(name: string, address: SshAddress): Promise<SourceTree> {
  const session = await openSession(name, address);
  try {
    await session.ask(introduce);
    return new SshTree(name, session);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

class SshTree implements SourceTree {
  readonly live = false;
  readonly host: string;
  readonly #session: SshSession;
  readonly #unread: Unread;
  /** Databases that were looked at, by path: they come over once. */
  readonly #copies = new Map<string, string>();
  #folder: PrivateTemporary | undefined;
  /** Counts while stock is taken: what is copied or switched is asked afresh. */
  readonly #surveyor: Surveyor;

  constructor(host: string, session: SshSession) {
    this.host = host;
    this.#session = session;
    this.#unread = new Unread(host);
    // As root where that can be: folders that are shut to the user are known too.
    this.#surveyor = new Surveyor(async () =>
      (await session.askAsRoot(surveyScript)).stdout.toString("utf8"),
    );
  }

  async entry(path: string): Promise<SourceEntry | undefined> {
    const known = await this.#surveyor.at(path);
    if (known?.kind === "absent") return undefined;
    if (known && !isLink(known.record)) return this.#entryOf(known.record)[0];
    const [entry] = await this.#records(path, entryScript(posix.normalize(path)));
    return entry && { ...entry, path };
  }

  async list(path: string): Promise<readonly SourceEntry[]> {
    const known = await this.#surveyor.below(path);
    const entries = known
      ? known.flatMap((record) => this.#entryOf(record))
      : await this.#records(path, listScript(posix.normalize(path)));
    return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  async read(path: string): Promise<SourceFile> {
    if ((await this.#surveyor.at(path))?.kind === "absent") return { kind: "absent" };
    const answer = await this.#session.ask(readScript(path, mostBytes));
    if (answer.code === 0) return { kind: "file", bytes: answer.stdout };
    const absent = [scriptEnds.absent, scriptEnds.dangling].some((code) => code === answer.code);
    if (absent) return { kind: "absent" };
    const why = whyNot(answer);
    this.#unread.lose(path, why);
    return { kind: "unreadable", why };
  }

  async measure(path: string): Promise<Readonly<{ files: number; bytes: number }>> {
    if ((await this.#surveyor.at(path))?.kind === "absent") return { files: 0, bytes: 0 };
    const shut = await this.#firstShut(path);
    if (shut !== undefined) this.#unread.lose(shut, refusals[scriptEnds.noRight] ?? "");
    const answer = await this.#session.askAsRoot(measureScript(path));
    const [files = 0, bytes = 0] = answer.stdout.toString("utf8").split(" ").map(Number);
    return answer.code === 0 ? { files, bytes } : { files: 0, bytes: 0 };
  }

  async fetch(path: string, to: string): Promise<void> {
    this.#surveyor.end();
    const shut = await this.#firstShut(path);
    if (shut !== undefined) throw this.#refusal(shut, refusals[scriptEnds.noRight] ?? "it is shut");
    const entry = await this.entry(path);
    if (!entry) throw this.#refusal(path, refusals[scriptEnds.absent] ?? "it is not there");
    if (entry.kind === "file") {
      await this.#save(path, to, streamScript(path));
      return void (await this.#backUpDatabase(path, to));
    }
    await makePrivateFolder(to);
    const limits = await roomFor(to);
    const ended = await this.#session.stream(
      tarScript(path),
      async (tar) => {
        const left = await unpack([tar], { name: `${this.host}:${path}`, to, limits });
        for (const one of left) this.#unread.note(posix.join(path, one.path), one.why);
      },
      { asRoot: true },
    );
    // GNU tar ends with 1 when a file grew as it was read: a log may.
    if (ended.code > 1) throw this.#refusal(path, ended.stderr || whyNot(ended));
    await this.#backUpDatabases(path, to);
  }

  async backup(path: string, to: string): Promise<void> {
    this.#surveyor.end();
    try {
      await saveDatabase(this.#session, path, to);
    } catch (error) {
      throw this.#refusal(path, error instanceof Error ? error.message : String(error));
    }
  }

  async look(path: string, questions: readonly string[]): Promise<DatabaseLook | undefined> {
    if ((await this.entry(path))?.kind !== "file") return undefined;
    try {
      const copy = this.#copies.get(path) ?? (await this.#copy(path));
      return await lookInto(copy, questions);
    } catch (error) {
      this.#unread.note(path, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  unread(): readonly NotUnderstood[] {
    return this.#unread.all();
  }

  async running(unit: FoundUnit): Promise<boolean | undefined> {
    return isRunning(this.#run, unit);
  }

  async switch(unit: FoundUnit, to: "stopped" | "started"): Promise<void> {
    this.#surveyor.end();
    await switchUnit(this.host, { run: this.#run, unit, to });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    await this.#folder?.[Symbol.asyncDispose]();
  }

  readonly #run: RunProgram = async (command, { asRoot }) => {
    const { ask, askAsRoot } = this.#session;
    const answer = await (asRoot ? askAsRoot : ask)(programScript(command));
    if (answer.code === scriptEnds.noProgram) return undefined;
    return { code: answer.code, stdout: answer.stdout.toString("utf8"), stderr: answer.stderr };
  };

  async #records(path: string, script: string): Promise<readonly SourceEntry[]> {
    const answer = await this.#session.ask(script);
    if (answer.code === scriptEnds.noRight) this.#unread.lose(path, whyNot(answer));
    return recordsIn(answer.stdout.toString("utf8")).flatMap((record) => this.#entryOf(record));
  }

  #entryOf(record: string): readonly SourceEntry[] {
    const { kind, bytes, path: at } = partsOf(record);
    if (/^regular/i.test(kind)) return [{ path: at, kind: "file", bytes }];
    if (/^directory/i.test(kind)) return [{ path: at, kind: "folder", bytes: 0 }];
    const why = isLink(record)
      ? refusals[scriptEnds.dangling]
      : "it is a socket, a pipe or a device";
    this.#unread.note(at, why ?? "");
    return [];
  }

  async #firstShut(path: string): Promise<string | undefined> {
    const answer = await this.#session.ask(shutScript(path));
    if (answer.code !== scriptEnds.noRight) return undefined;
    return answer.stdout.toString("utf8") || path;
  }

  async #save(path: string, to: string, script: string): Promise<void> {
    const save = async (output: AsyncIterable<unknown>) => saveStream(output, to);
    const ended = await this.#session.stream(script, save, { asRoot: true });
    if (ended.code === 0) return;
    await rm(to, { force: true });
    throw this.#refusal(path, whyNot(ended));
  }

  async #copy(path: string): Promise<string> {
    this.#folder ??= await makePrivateTemporary("nexus-looked-");
    const copy = join(this.#folder.path, `${this.#copies.size}.sqlite`);
    await saveDatabase(this.#session, path, copy);
    this.#copies.set(path, copy);
    return copy;
  }

  /** A tar of a live database is of no one moment: each comes again through its backup. */
  async #backUpDatabases(path: string, to: string): Promise<void> {
    for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
      const local = join(entry.parentPath, entry.name);
      if (!entry.isFile() || besideDatabase.test(entry.name)) continue;
      const there = posix.join(path, posix.relative(to, local));
      if (!(await this.#backUpDatabase(there, local))) continue;
      for (const suffix of ["-wal", "-shm", "-journal"])
        await rm(`${local}${suffix}`, { force: true });
    }
  }

  /** Whether a file that came as it is was a database, and could be replaced by its backup. */
  async #backUpDatabase(there: string, local: string): Promise<boolean> {
    if (!(await isDatabase(local))) return false;
    const saved = saveDatabase(this.#session, there, local).then(() => true, falseIfDamaged);
    return saved.catch(async (error: unknown) => {
      await rm(local, { force: true });
      throw this.#refusal(there, error instanceof Error ? error.message : String(error));
    });
  }

  #refusal(path: string, why: string): SourceUnreadableError {
    return new SourceUnreadableError(this.host, path, why);
  }
}

const isLink = (record: string) => /link/i.test(partsOf(record).kind);

const whyNot = ({ code, stderr }: Answered) =>
  refusals[code] ?? (stderr.split("\n").at(-1) || `it ended with ${code}`);
