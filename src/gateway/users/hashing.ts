/** Hashing of passwords: off the event loop, and a few at once, so that logins never starve requests. */
import { pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { PasswordRecord } from "../user.ts";

/** PBKDF2 with HMAC-SHA-256: 32 bytes. */
export type Derive = (password: string, salt: Buffer, rounds: number) => Promise<Buffer>;

const hashBytes = 32;
const saltBytes = 16;

const derivation = promisify(pbkdf2);

/** What Node derives on a thread of its own. */
export const deriveOnThread: Derive = (password, salt, rounds) =>
  derivation(password, salt, rounds, hashBytes, "sha256");

/** More logins wait than is worth waiting for. */
export class HashingBusy extends Error {
  override name = "HashingBusy";
}

/** Node has four threads for this and for files alike. */
const mostAtOnce = 2;
const mostWaiting = 32;

/** Hashes passwords, two at once; others wait for their turn. */
export class Hasher {
  readonly #derive: Derive;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(derive: Derive) {
    this.#derive = derive;
  }

  /** Runs once it is its turn; throws HashingBusy where too many wait already. */
  async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running < mostAtOnce) this.#running += 1;
    else await this.#wait();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Whoever comes next takes over the place.
      if (next) next();
      else this.#running -= 1;
    }
  }

  /** Whether a password is the one of a record. */
  async isRight(password: string, record: PasswordRecord): Promise<boolean> {
    const [salt, wanted] = [record.salt, record.hash].map((hex) => Buffer.from(hex, "hex"));
    if (!salt || !wanted) return false;
    const derived = await this.#derive(password, salt, record.iterations);
    return derived.length === wanted.length && timingSafeEqual(derived, wanted);
  }

  /** A record of a password under a new salt. */
  async make(password: string, iterations: number): Promise<PasswordRecord> {
    const salt = randomBytes(saltBytes);
    const hash = await this.#derive(password, salt, iterations);
    const hex = { salt: salt.toString("hex"), hash: hash.toString("hex") };
    return { scheme: "pbkdf2-sha256", iterations, ...hex };
  }

  /** Takes as long as that many rounds take. */
  async spend(password: string, rounds: number): Promise<void> {
    if (rounds > 0) await this.#derive(password, randomBytes(saltBytes), rounds);
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= mostWaiting) throw new HashingBusy();
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }
}
