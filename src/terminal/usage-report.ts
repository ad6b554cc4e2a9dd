/** Who used how much, as a table. Pure. */
import type { UsageReport, UsageRow, UsageSums } from "../gateway/protocol.ts";
import { table, type Column } from "./table.ts";
import type { Theme } from "./theme.ts";
import { count, formatCount, formatDuration } from "./units.ts";

/** How the table looks. */
export type UsageLook = Readonly<{ theme: Theme; width?: number | undefined }>;

/** The rows of a report with their total, or a sentence when there are none. */
export function formatUsage({ rows, by, since }: UsageReport, look: UsageLook): string {
  const from = since.slice(0, "2026-11-01T12:00".length).replace("T", " ");
  if (rows.length === 0) return `Nothing was asked since ${from} UTC.`;
  const shown = rows.length > 1 ? [...rows, totalOf(rows)] : rows;
  return table(shown, columns(by.toUpperCase(), look.theme), look);
}

/** What is wrong with the books themselves, a sentence each. */
export function ledgerProblems({ ledger }: UsageReport): readonly string[] {
  const { state, reason = "", unwritten, moved_aside: aside } = ledger;
  return [
    ...(state === "failing"
      ? [
          `The gateway cannot write its books: ${reason}. Until it can, what ${count(unwritten, "request")} used is in its memory only.`,
        ]
      : []),
    ...(aside === undefined
      ? []
      : [
          `The books could not be read and were begun anew; the old ones are in the gateway's volume as ${aside}.`,
        ]),
  ];
}

function columns(title: string, theme: Theme): readonly Column<UsageRow>[] {
  const amount = (heading: string, read: (row: UsageRow) => number): Column<UsageRow> => ({
    title: heading,
    value: (row) => formatCount(read(row)),
    align: "right",
  });
  return [
    { title, value: ({ name }) => name || "(none)", paint: () => theme.strong, shrink: true },
    amount("REQUESTS", ({ requests }) => requests),
    { ...failures, paint: ({ failures: some }) => (some > 0 ? theme.bad : theme.dim) },
    amount("INPUT", (row) => row.input_tokens),
    { ...amount("CACHED", (row) => row.cached_tokens), spare: true },
    amount("OUTPUT", (row) => row.output_tokens),
    {
      title: "TIME",
      value: ({ seconds }) => formatDuration(seconds * 1_000),
      align: "right",
      spare: true,
    },
    {
      title: "",
      value: ({ estimated }) => (estimated > 0 ? `${formatCount(estimated)} estimated` : ""),
      paint: () => theme.dim,
      spare: true,
    },
  ];
}

const failures = {
  title: "FAILED",
  value: ({ failures: some }: UsageRow) => formatCount(some),
  align: "right",
} as const;

function totalOf(rows: readonly UsageRow[]): UsageRow {
  const sum = (name: keyof UsageSums) => rows.reduce((total, row) => total + row[name], 0);
  return {
    name: "total",
    requests: sum("requests"),
    failures: sum("failures"),
    estimated: sum("estimated"),
    input_tokens: sum("input_tokens"),
    cached_tokens: sum("cached_tokens"),
    output_tokens: sum("output_tokens"),
    seconds: sum("seconds"),
  };
}
