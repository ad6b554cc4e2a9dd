/** Where people log in: a wrong name and a wrong password are one answer, which takes the same time. */
import { canonicalUserName, passwordRounds, type UserRecord } from "../user.ts";
import { Attempts, type Patience } from "./attempts.ts";
import { Hasher, HashingBusy, type Derive } from "./hashing.ts";
import type { NewSession } from "./sessions.ts";
import type { UserBook } from "./user-book.ts";

/** What somebody says of themselves. */
export type Credentials = Readonly<{ username: string; password: string }>;

/** Where a login comes from. */
export type Visitor = Readonly<{
  peer: string;
  /** Whether nobody waits for the answer any more. */
  hasLeft: () => boolean;
}>;

/** What became of a login. */
export type Login = Readonly<
  | { kind: "begun"; begun: NewSession; user: UserRecord }
  | { kind: "refused" }
  | { kind: "wait"; ms: number }
  | { kind: "busy" }
  | { kind: "left" }
>;

const minuteMs = 60_000;

const ofNames: Patience = {
  failures: 5,
  firstPauseMs: 30_000,
  longestPauseMs: 15 * minuteMs,
  forgiveMs: 10 * minuteMs,
  mostSubjects: 10_000,
};

/** Behind a proxy, or an engine that forwards ports itself, everybody is one peer: nobody may lock all others out for long. */
const ofPeers: Patience = {
  failures: 50,
  firstPauseMs: 15_000,
  longestPauseMs: minuteMs,
  forgiveMs: 30_000,
  mostSubjects: 10_000,
};

/** What logging in works with; `now` is of the wall's clock, in milliseconds. */
export type DeskParts = Readonly<{
  book: UserBook;
  derive: Derive;
  now: () => number;
  /** Told when a stronger hash could not be kept: the old one is still good. */
  onNotRemade: (error: unknown) => void;
}>;

/** Lets people in. */
export class FrontDesk {
  readonly #parts: DeskParts;
  readonly #hasher: Hasher;
  readonly #names = new Attempts(ofNames);
  readonly #peers = new Attempts(ofPeers);

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#hasher = new Hasher(parts.derive);
  }

  /** Judges a login; whoever has failed too often is told to wait, whatever they say now. */
  async logIn({ username, password }: Credentials, visitor: Visitor): Promise<Login> {
    const name = canonicalUserName(username);
    const now = this.#parts.now();
    const ms = Math.max(this.#names.waitMs(name, now), this.#peers.waitMs(visitor.peer, now));
    if (ms > 0) return { kind: "wait", ms };
    this.#names.begin(name, now);
    this.#peers.begin(visitor.peer, now);
    const login = await this.#judge({ name, password }, visitor).catch(explain);
    this.#conclude(name, visitor.peer, login);
    if ("error" in login) throw login.error;
    return login;
  }

  #conclude(name: string, peer: string, login: Login | Failed): void {
    const now = this.#parts.now();
    if ("error" in login || login.kind !== "refused") {
      this.#names.end(name, now);
      this.#peers.end(peer, now);
    } else {
      this.#names.fail(name, now);
      this.#peers.fail(peer, now);
    }
    if ("kind" in login && login.kind === "begun") this.#names.forgive(name);
  }

  #judge({ name, password }: Readonly<{ name: string; password: string }>, visitor: Visitor) {
    return this.#hasher.inTurn(async (): Promise<Login> => {
      if (visitor.hasLeft()) return { kind: "left" };
      const user = await this.#prove(name, password);
      if (!user) return { kind: "refused" };
      await this.#strengthen(user, password);
      const begun = await this.#parts.book.beginSession(user, this.#parts.now());
      return begun ? { kind: "begun", begun, user } : { kind: "refused" };
    });
  }

  /** The user whose password that is. Whoever it is not, and whether or not there is such a user, as many rounds are gone through. */
  async #prove(name: string, password: string): Promise<UserRecord | undefined> {
    const { book } = this.#parts;
    const rounds = Math.max(passwordRounds, book.mostRounds);
    const user = book.find(name);
    const isRight = user !== undefined && (await this.#hasher.isRight(password, user.password));
    if (isRight && !user.disabled) return user;
    await this.#hasher.spend(password, rounds - (user?.password.iterations ?? 0));
    return undefined;
  }

  /** Only at a login is there a password to make a stronger hash of. */
  async #strengthen(user: UserRecord, password: string): Promise<void> {
    if (user.password.iterations >= passwordRounds) return;
    try {
      const stronger = await this.#hasher.make(password, passwordRounds);
      await this.#parts.book.remake(user, stronger);
    } catch (error) {
      this.#parts.onNotRemade(error);
    }
  }
}

type Failed = Readonly<{ error: unknown }>;

function explain(error: unknown): Login | Failed {
  return error instanceof HashingBusy ? { kind: "busy" } : { error };
}
