/** Adds what is in memory to what is on disk. */
import type { UsageGrouping, UsageRow } from "../protocol.ts";
import { addSums, hourMs, noSums, type LedgerRow } from "./booking.ts";

type Books = Readonly<{
  written: readonly UsageRow[];
  rows: readonly LedgerRow[];
  by: UsageGrouping;
  sinceHour: number;
}>;

/** Sums of both since an hour, by what the grouping names: the most tokens first, days in their order. */
export function sumRows({ written, rows, by, sinceHour }: Books): readonly UsageRow[] {
  const sums = new Map(written.map((one) => [one.name, one]));
  for (const row of rows) {
    if (row.hour < sinceHour) continue;
    const name = nameOf(row, by);
    sums.set(name, { name, ...addSums(sums.get(name) ?? noSums, row) });
  }
  return [...sums.values()].toSorted(by === "day" ? byName : byTokens);
}

function nameOf(row: LedgerRow, by: UsageGrouping): string {
  return by === "day"
    ? new Date(row.hour * hourMs).toISOString().slice(0, "2026-11-01".length)
    : row[by];
}

function byName(a: UsageRow, b: UsageRow): number {
  return a.name < b.name ? -1 : 1;
}

function byTokens(a: UsageRow, b: UsageRow): number {
  return tokens(b) - tokens(a) || b.requests - a.requests || byName(a, b);
}

function tokens({ input_tokens, output_tokens }: UsageRow): number {
  return input_tokens + output_tokens;
}
