/** The port behind which the ledger's rows outlive the process. */
import type { UsageGrouping, UsageRow } from "../protocol.ts";
import type { LedgerRow } from "./booking.ts";

/** What is written at once. */
export type Batch = Readonly<{
  rows: readonly LedgerRow[];
  /** Key → when it was used last, in milliseconds since 1970. */
  lastUsed: ReadonlyMap<string, number>;
}>;

/** An open store; every method throws what its file or disk says. */
export interface LedgerStore {
  /** Adds to what is there, all of it or nothing. */
  add(batch: Batch): void;
  /** Sums since an hour, by what the grouping names. */
  sumsBy(grouping: UsageGrouping, sinceHour: number): readonly UsageRow[];
  /** Key → when it was used last. */
  lastUsed(): ReadonlyMap<string, number>;
  close(): void;
}

/** A place where a store can be opened. */
export type LedgerPlace = Readonly<{
  /** Opens the store, made anew when there is none. Throws BrokenLedger when what is there is no ledger. */
  open: () => LedgerStore;
  /** Puts what is there out of the way, unchanged, and returns its new name. */
  moveAside: () => string;
}>;

/** What is on disk is damaged, or is no ledger of this version. */
export class BrokenLedger extends Error {
  override name = "BrokenLedger";
}
