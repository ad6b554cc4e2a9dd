/** Tables: aligned, no frame, no wider than the terminal. Pure. */
import type { Paint, Theme } from "./theme.ts";
import { plainTheme } from "./theme.ts";
import { padTo, printable, truncate, visibleWidth } from "./width.ts";

/** One column: its heading and what it shows of a row, without escape codes. */
export type Column<Row> = Readonly<{
  title: string;
  value: (row: Row) => string;
  paint?: (row: Row) => Paint;
  align?: "right";
  /** May be cut when the table is wider than the terminal. */
  shrink?: boolean;
  /** Left out when the table is wider than the terminal. */
  spare?: boolean;
}>;

/** `width` in cells; without it, the table is as wide as it needs to be (right for pipes). */
export type TableOptions = Readonly<{ theme?: Theme; width?: number | undefined }>;

const gap = "  ";
const narrowest = 8;

/** The rows below their headings; columns that are empty in every row are left out. */
export function table<Row>(
  rows: readonly Row[],
  asked: readonly Column<Row>[],
  options: TableOptions = {},
): string {
  const theme = options.theme ?? plainTheme;
  const columns = asked.map(harmless);
  const shown = affordable(
    rows,
    columns.filter((column) => rows.some((row) => column.value(row) !== "")),
    options.width,
  );
  const widths = fit(rows, shown, options.width);
  const heading = shown.map((column, at) => cell(column.title, widths[at] ?? 0, column.align));
  const lines = rows.map((row) =>
    shown.map((column, at) => {
      const text = cell(column.value(row), widths[at] ?? 0, column.align);
      return column.paint === undefined ? text : column.paint(row)(text);
    }),
  );
  return [heading.map((title) => theme.dim(title)), ...lines]
    .map((cells) => cells.join(gap).trimEnd())
    .join("\n");
}

/** Names come from services, engines and labels: none of them may steer the terminal or begin a line of its own. */
function harmless<Row>(column: Column<Row>): Column<Row> {
  return { ...column, value: (row) => printable(column.value(row)).replaceAll(/\s*\n\s*/g, " ") };
}

function cell(text: string, width: number, align: "right" | undefined): string {
  const cut = truncate(text, width);
  return align === "right" ? " ".repeat(width - visibleWidth(cut)) + cut : padTo(cut, width);
}

function affordable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = Infinity,
): readonly Column<Row>[] {
  const wanted = naturalWidths(rows, columns);
  return totalOf(wanted) <= width ? columns : columns.filter(({ spare }) => spare !== true);
}

function naturalWidths<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): readonly number[] {
  return columns.map((column) =>
    Math.max(visibleWidth(column.title), ...rows.map((row) => visibleWidth(column.value(row)))),
  );
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, gap.length * (widths.length - 1));
}

function fit<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number | undefined,
): readonly number[] {
  const widths = naturalWidths(rows, columns);
  return width === undefined ? widths : shrink(columns, widths, totalOf(widths) - width);
}

/** Takes the excess from the widest column that may be cut, one cell at a time. */
function shrink<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  excess: number,
): readonly number[] {
  const result = [...widths];
  for (let left = excess; left > 0; left -= 1) {
    const at = widest(columns, result);
    if (at === undefined) break;
    result[at] = (result[at] ?? 0) - 1;
  }
  return result;
}

function widest<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
): number | undefined {
  return columns
    .map((column, at) => ({ at, width: column.shrink === true ? (widths[at] ?? 0) : 0 }))
    .filter(({ width }) => width > narrowest)
    .toSorted((a, b) => b.width - a.width)[0]?.at;
}
