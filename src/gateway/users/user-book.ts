/** The users who may log in, and their sessions. */
import { isDeepStrictEqual } from "node:util";
import type { ListedUser, PasswordRecord, UserChange, UserRecord } from "../user.ts";
import { KeptFile } from "./kept-file.ts";
import { Sessions, type NewSession, type Session } from "./sessions.ts";
import { usersFileSchema } from "./user-schema.ts";

/** A change that was refused. */
export class UserRefused extends Error {
  override name = "UserRefused";
  readonly code: "user_exists" | "user_unknown";

  constructor(code: "user_exists" | "user_unknown", message: string) {
    super(message);
    this.code = code;
  }
}

/** Where users and sessions are kept; a file of users that cannot be read leaves the book empty and is told of. */
export type UserFiles = Readonly<{
  users: string;
  sessions: string;
  onUnread: (error: unknown) => void;
}>;

/** A session in force, and whose it is. */
export type OpenSession = Readonly<{ session: Session; user: UserRecord }>;

/** The users in force, and the file that outlives the process. */
export class UserBook {
  readonly #file: KeptFile;
  readonly #sessions: Sessions;
  #users: ReadonlyMap<string, UserRecord>;

  private constructor(file: KeptFile, sessions: Sessions, users: readonly UserRecord[]) {
    this.#file = file;
    this.#sessions = sessions;
    this.#users = byName(users);
  }

  /** Loads both files; sessions of whom there is no more, or who is disabled, have ended. */
  static async open(
    { users: path, sessions, onUnread }: UserFiles,
    now: number,
  ): Promise<UserBook> {
    const file = new KeptFile(path);
    const read = await file.read((document) => usersFileSchema.parse(document).users, onUnread);
    const users = read ?? [];
    const enabled = new Set(users.filter(({ disabled }) => !disabled).map(({ name }) => name));
    const known = (user: string) => enabled.has(user);
    return new UserBook(file, await Sessions.open(sessions, { known, now }), users);
  }

  /** The most rounds that a hash of some user takes; 0 without users. */
  get mostRounds(): number {
    return Math.max(0, ...[...this.#users.values()].map(({ password }) => password.iterations));
  }

  /** The user of a canonical name. */
  find(name: string): UserRecord | undefined {
    return this.#users.get(name);
  }

  /** Every user, without any means to find out their password. */
  listed(now: number): readonly ListedUser[] {
    return [...this.#users.values()].map(({ password: _password, ...user }) => {
      return { ...user, sessions: this.#sessions.countOf(user.name, now) };
    });
  }

  /** Lets a user log in once that is on disk; throws UserRefused when there is another one of that name. */
  add(user: UserRecord): Promise<void> {
    return this.#file.inTurn(async () => {
      const old = this.#users.get(user.name);
      if (old && isSame(old, user)) return;
      if (old)
        throw new UserRefused("user_exists", `There is already a user named "${user.name}".`);
      await this.#write([...this.#users.values(), user]);
    });
  }

  /** Changes a user; whoever is disabled or has another password is logged out at once. Throws UserRefused when there is none of that name. */
  replace({ password, ...change }: UserChange): Promise<void> {
    return this.#file.inTurn(async () => {
      const old = this.#mustFind(change.name);
      const user = { ...change, password: password ?? old.password };
      const isOther = password !== undefined && !isDeepStrictEqual(password, old.password);
      // First: a crash in between may log somebody out, and never leaves somebody in.
      if (user.disabled || isOther) await this.#sessions.endAllOf(user.name);
      await this.#put(user);
    });
  }

  /** Takes a user out, who is logged out at once; throws UserRefused when there is none. */
  remove(name: string): Promise<void> {
    return this.#file.inTurn(async () => {
      this.#mustFind(name);
      await this.#sessions.endAllOf(name);
      await this.#write([...this.#users.values()].filter((user) => user.name !== name));
    });
  }

  /** Keeps another hash of the same password, unless the user has changed since the old one was looked at. */
  remake({ name, password: { salt } }: UserRecord, password: PasswordRecord): Promise<void> {
    return this.#file.inTurn(async () => {
      const user = this.#users.get(name);
      if (user?.password.salt !== salt) return;
      await this.#put({ ...user, password: { ...password, remade_from: salt } });
    });
  }

  /** Begins a session for a user as they were when their password was found right; undefined when they have changed since. */
  beginSession(proven: UserRecord, now: number): Promise<NewSession | undefined> {
    return this.#file.inTurn(async () => {
      const user = this.#users.get(proven.name);
      const mayEnter = user && !user.disabled && isMadeFrom(user.password, proven.password);
      return mayEnter ? this.#sessions.begin(user.name, now) : undefined;
    });
  }

  /** The session of a token, and its user; undefined when it is not in force. */
  findSession(token: string, now: number): OpenSession | undefined {
    const session = this.#sessions.find(token, now);
    const user = session && this.#users.get(session.user);
    return user && !user.disabled ? { session, user } : undefined;
  }

  /** Ends a session at once. */
  endSession(session: Session): Promise<void> {
    return this.#sessions.end(session);
  }

  #mustFind(name: string): UserRecord {
    const user = this.#users.get(name);
    if (user) return user;
    throw new UserRefused("user_unknown", `There is no user named "${name}".`);
  }

  #put(user: UserRecord): Promise<void> {
    return this.#write([...byName([...this.#users.values(), user]).values()]);
  }

  async #write(users: readonly UserRecord[]): Promise<void> {
    await this.#file.write({ version: 1, users });
    this.#users = byName(users);
  }
}

function byName(users: readonly UserRecord[]): ReadonlyMap<string, UserRecord> {
  return new Map(users.map((user) => [user.name, user]));
}

function isSame(
  { password: old, ...kept }: UserRecord,
  { password, ...given }: UserRecord,
): boolean {
  return isDeepStrictEqual(kept, given) && isMadeFrom(old, password);
}

/** Whether a record is another one, or what became of it when the same password was hashed anew. */
function isMadeFrom(record: PasswordRecord, origin: PasswordRecord): boolean {
  if (record.remade_from === origin.salt) return true;
  return record.salt === origin.salt && record.hash === origin.hash;
}
