import { expect, test } from "vitest";
import type { UsageReport, UsageRow } from "../../src/gateway/protocol.ts";
import { formatUsage, ledgerProblems } from "../../src/terminal/usage-report.ts";
import { plainTheme } from "../../src/terminal/theme.ts";

const look = { theme: plainTheme };

function row(name: string, changes: Partial<UsageRow> = {}): UsageRow {
  const tokens = { input_tokens: 1_234_567, cached_tokens: 0, output_tokens: 890 };
  return { name, requests: 12, failures: 0, estimated: 0, seconds: 75, ...tokens, ...changes };
}

function report(changes: Partial<UsageReport> = {}): UsageReport {
  const ledger = { state: "kept", unwritten: 0 } as const;
  return { since: "2026-11-01T12:00:00.000Z", by: "key", rows: [], ledger, ...changes };
}

test("usage is a table with a total", () => {
  const rows = [row("laptop", { failures: 1 }), row("", { estimated: 3, cached_tokens: 7 })];
  expect(formatUsage(report({ rows }), look)).toMatchInlineSnapshot(`
    "KEY     REQUESTS  FAILED      INPUT  CACHED  OUTPUT        TIME
    laptop        12       1  1,234,567       0     890  1 min 15 s
    (none)        12       0  1,234,567       7     890  1 min 15 s  3 estimated
    total         24       1  2,469,134       7   1,780  2 min 30 s  3 estimated"
  `);
});

test("one row needs no total, and a narrow terminal keeps what matters", () => {
  const text = formatUsage(report({ rows: [row("a-key-with-a-rather-long-name")] }), {
    ...look,
    width: 60,
  });
  expect(text).not.toContain("total");
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(text).toContain("1,234,567");
});

test("no usage is said in a sentence", () => {
  expect(formatUsage(report(), look)).toBe("Nothing was asked since 2026-11-01 12:00 UTC.");
});

test("books that cannot be written or read are told", () => {
  expect(ledgerProblems(report())).toEqual([]);
  const ledger = {
    state: "failing",
    reason: "the disk is full",
    unwritten: 1,
    moved_aside: "usage.db.unread-1",
  } as const;
  expect(ledgerProblems(report({ ledger }))).toEqual([
    "The gateway cannot write its books: the disk is full. Until it can, what 1 request used is in its memory only.",
    "The books could not be read and were begun anew; the old ones are in the gateway's volume as usage.db.unread-1.",
  ]);
});
