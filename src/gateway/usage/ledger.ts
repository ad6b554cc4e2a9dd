/**
 * Who used what: requests are summed in memory and written in batches, so that no request waits for a disk.
 * A disk that fails costs nothing but the books: they stay in memory, within bounds, until it takes them.
 */
import type { LedgerState, UsageGrouping, UsageReport } from "../protocol.ts";
import type { Log } from "../metrics/log.ts";
import {
  accountName,
  accountOf,
  addSums,
  coarseAccount,
  hourMs,
  noSums,
  sumsOf,
  type Account,
  type Booking,
  type LedgerRow,
} from "./booking.ts";
import { BrokenLedger, type LedgerPlace, type LedgerStore } from "./ledger-store.ts";
import { sumRows } from "./sum-rows.ts";

/** How the ledger is kept. */
export type LedgerOptions = Readonly<{
  place: LedgerPlace;
  log: Log;
  /** How long what is booked stays in memory only: what a kill may lose. */
  flushMs: number;
  /** Rows kept in memory while the disk takes none; past them requests are booked by key and hour alone. */
  mostRows: number;
  /** Told when a store is open for the first time. */
  onOpened: (store: LedgerStore) => void;
}>;

const longestPauseMs = 30_000;

/** The books of one gateway. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #rows = new Map<string, LedgerRow>();
  readonly #lastUsed = new Map<string, number>();
  #store: LedgerStore | undefined;
  #isKnown = false;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs: number;
  #reason: string | undefined;
  #movedAside: string | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#pauseMs = options.flushMs;
    this.flush();
  }

  /** Books a request that is over. */
  book(booking: Booking): void {
    const exact = accountOf(booking);
    const account = this.#hasRoom(exact) ? exact : coarseAccount(exact);
    const name = accountName(account);
    const sums = addSums(this.#rows.get(name) ?? noSums, sumsOf(booking));
    this.#rows.set(name, { ...account, ...sums });
    this.#lastUsed.set(booking.key, booking.at);
    this.#schedule();
  }

  /** Who used how much since a moment (whole hours); what is in memory only is counted. */
  report(by: UsageGrouping, sinceMs: number): UsageReport {
    this.flush();
    const sinceHour = Math.floor(sinceMs / hourMs);
    const written = this.#attempt((store) => store.sumsBy(by, sinceHour)) ?? [];
    const rows = sumRows({ written, rows: [...this.#rows.values()], by, sinceHour });
    const since = new Date(sinceHour * hourMs).toISOString();
    return { since, by, rows, ledger: this.state };
  }

  get state(): LedgerState {
    const rows = [...this.#rows.values()];
    return {
      state: this.#reason === undefined ? "kept" : "failing",
      ...(this.#reason !== undefined && { reason: this.#reason }),
      unwritten: rows.reduce((sum, { requests }) => sum + requests, 0),
      ...(this.#movedAside !== undefined && { moved_aside: this.#movedAside }),
    };
  }

  /** Writes what is in memory; what cannot be written stays there. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = { rows: [...this.#rows.values()], lastUsed: this.#lastUsed };
    const isWritten = this.#attempt((store) => {
      if (batch.rows.length + batch.lastUsed.size > 0) store.add(batch);
      return true;
    });
    if (isWritten !== true) return this.#schedule();
    this.#recover();
    this.#rows.clear();
    this.#lastUsed.clear();
  }

  /** Writes for the last time and closes the file. */
  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#store?.close();
    this.#store = undefined;
  }

  #hasRoom(account: Account): boolean {
    return this.#rows.size < this.#options.mostRows || this.#rows.has(accountName(account));
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.flush(), this.#pauseMs).unref();
  }

  #attempt<Result>(act: (store: LedgerStore) => Result): Result | undefined {
    try {
      return act(this.#open());
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #open(): LedgerStore {
    if (this.#store) return this.#store;
    this.#store = this.#options.place.open();
    if (!this.#isKnown) this.#options.onOpened(this.#store);
    this.#isKnown = true;
    return this.#store;
  }

  #recover(): void {
    if (this.#reason !== undefined) this.#options.log("info", "usage.kept_again");
    this.#reason = undefined;
    this.#pauseMs = this.#options.flushMs;
  }

  #fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : "unknown";
    if (this.#reason !== reason) this.#options.log("error", "usage.not_kept", { reason });
    this.#reason = reason;
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
    this.#letGo();
    if (error instanceof BrokenLedger) this.#moveAside();
  }

  #letGo(): void {
    try {
      this.#store?.close();
    } catch {
      // It is given up either way.
    }
    this.#store = undefined;
  }

  /** A file that is no ledger is kept for whoever can read it, and another one begun. */
  #moveAside(): void {
    try {
      this.#movedAside = this.#options.place.moveAside();
      this.#options.log("error", "usage.moved_aside", { file: this.#movedAside });
      this.#pauseMs = this.#options.flushMs;
    } catch (error) {
      this.#reason = `it cannot be moved aside: ${error instanceof Error ? error.name : "unknown"}`;
    }
  }
}
