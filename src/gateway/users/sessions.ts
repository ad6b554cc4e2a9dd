/** Logins that have not ended: only digests of their tokens are known here. */
import { hash, randomBytes } from "node:crypto";
import { z } from "zod";
import { KeptFile } from "./kept-file.ts";

const sessionSchema = z.strictObject({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  user: z.string(),
  created_at: z.iso.datetime({ offset: true }),
  expires_at: z.iso.datetime({ offset: true }),
});

const fileSchema = z.strictObject({ version: z.literal(1), sessions: z.array(sessionSchema) });

/** One login, as it is kept. */
export type Session = Readonly<z.infer<typeof sessionSchema>>;

/** A login that has just begun: the only time that its token is seen. */
export type NewSession = Readonly<{ token: string; session: Session }>;

/** How long a login lasts, in milliseconds. */
export const sessionMs = 12 * 3_600_000;

/** Logins of one user at once; the oldest ends when there is one more. */
const mostOfOneUser = 50;

const tokenPattern = /^ns_[\w-]{43}$/;

/** Whether a text has the form of a session's token, which no key has. */
export function isSessionToken(text: string): boolean {
  return tokenPattern.test(text);
}

/** The sessions in force, and the file that lets a restart log nobody out. */
export class Sessions {
  readonly #file: KeptFile;
  #sessions: ReadonlyMap<string, Session> = new Map();

  private constructor(file: KeptFile) {
    this.#file = file;
  }

  /** Loads the file: those that have expired or whose user is not `known` are gone. Without a file, or with a broken one, everybody logs in again. */
  static async open(
    path: string,
    { known, now }: Readonly<{ known: (user: string) => boolean; now: number }>,
  ): Promise<Sessions> {
    const file = new KeptFile(path);
    const sessions = new Sessions(file);
    const kept = (
      await file.read(
        (document) => fileSchema.parse(document),
        () => {},
      )
    )?.sessions;
    sessions.#use((kept ?? []).filter(({ user }) => known(user)).filter(lasts(now)));
    return sessions;
  }

  /** The session of a token; undefined when there is none, or none any more. */
  find(token: string, now: number): Session | undefined {
    if (!isSessionToken(token)) return undefined;
    // A digest of 256 random bits tells nothing by how long it takes to be looked up.
    const session = this.#sessions.get(digestOf(token));
    return session && lasts(now)(session) ? session : undefined;
  }

  /** How many sessions a user has. */
  countOf(user: string, now: number): number {
    return this.#all.filter((one) => one.user === user).filter(lasts(now)).length;
  }

  /** Begins a session, in force once it is on disk. */
  begin(user: string, now: number): Promise<NewSession> {
    return this.#file.inTurn(async () => {
      const token = `ns_${randomBytes(32).toString("base64url")}`;
      const [created_at, expires_at] = [now, now + sessionMs].map((at) =>
        new Date(at).toISOString(),
      );
      const session = sessionSchema.parse({
        digest: digestOf(token),
        user,
        created_at,
        expires_at,
      });
      const lasting = this.#all.filter(lasts(now));
      const theirs = lasting.filter((one) => one.user === user);
      const surplus = new Set(theirs.slice(0, Math.max(0, theirs.length + 1 - mostOfOneUser)));
      const withNew = (others: readonly Session[]) => [
        ...others.filter((one) => !surplus.has(one)),
        session,
      ];
      await this.#write(withNew(lasting));
      // Some may have ended while it was written.
      this.#use(withNew(this.#all.filter(lasts(now))));
      return { token, session };
    });
  }

  /** Ends a session at once; resolves once that outlives a restart. */
  end(session: Session): Promise<void> {
    return this.#endThose(({ digest }) => digest === session.digest);
  }

  /** Ends all sessions of a user at once; resolves once that outlives a restart. */
  endAllOf(user: string): Promise<void> {
    return this.#endThose((session) => session.user === user);
  }

  #endThose(isOver: (session: Session) => boolean): Promise<void> {
    const ended = this.#drop(isOver);
    return this.#file.inTurn(async () => {
      // One may have begun while others were written.
      if (this.#drop(isOver) || ended) await this.#write(this.#all);
    });
  }

  #drop(isOver: (session: Session) => boolean): boolean {
    const kept = this.#all.filter((session) => !isOver(session));
    const dropped = kept.length < this.#sessions.size;
    if (dropped) this.#use(kept);
    return dropped;
  }

  get #all(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  #write(sessions: readonly Session[]): Promise<void> {
    return this.#file.write({ version: 1, sessions });
  }

  #use(sessions: readonly Session[]): void {
    this.#sessions = new Map(sessions.map((session) => [session.digest, session]));
  }
}

function lasts(now: number): (session: Session) => boolean {
  return ({ expires_at }) => Date.parse(expires_at) > now;
}

function digestOf(token: string): string {
  return hash("sha256", token);
}
