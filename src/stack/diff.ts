/** Shows what a change does to a text, line by line. Pure. */

type Line = Readonly<{ sign: " " | "-" | "+"; text: string }>;

/** Lines shown around a change. */
const around = 3;

/** A unified diff of two texts, under the name of the file; empty when they are equal. */
export function diffLines(before: string, after: string, file = "nexus.yaml"): string {
  if (before === after) return "";
  const lines = align(split(before), split(after));
  return [`--- ${file}`, `+++ ${file}`, ...hunks(lines)].join("\n");
}

function split(text: string): readonly string[] {
  const lines = text.split("\n");
  return text.endsWith("\n") || text === "" ? lines.slice(0, -1) : lines;
}

/** Both texts in one list: the common start and end first, then the longest common subsequence between them. */
function align(before: readonly string[], after: readonly string[]): readonly Line[] {
  const shortest = Math.min(before.length, after.length);
  let start = 0;
  while (start < shortest && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shortest - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return [
    ...before.slice(0, start).map(unchanged),
    ...alignMiddle(
      before.slice(start, before.length - end),
      after.slice(start, after.length - end),
    ),
    ...before.slice(before.length - end).map(unchanged),
  ];
}

function unchanged(text: string): Line {
  return { sign: " ", text };
}

function alignMiddle(before: readonly string[], after: readonly string[]): readonly Line[] {
  const lengths = commonLengths(before, after);
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < before.length && column < after.length) {
    const [old = "", fresh = ""] = [before[row], after[column]];
    if (old === fresh) {
      lines.push({ sign: " ", text: old });
      row += 1;
      column += 1;
    } else if (at(lengths, row + 1, column) >= at(lengths, row, column + 1)) {
      lines.push({ sign: "-", text: old });
      row += 1;
    } else {
      lines.push({ sign: "+", text: fresh });
      column += 1;
    }
  }
  const removed = before.slice(row).map((text): Line => ({ sign: "-", text }));
  const added = after.slice(column).map((text): Line => ({ sign: "+", text }));
  return [...lines, ...removed, ...added];
}

/** Length of the longest common subsequence of what is left from each pair of positions on. */
function commonLengths(
  before: readonly string[],
  after: readonly string[],
): readonly (readonly number[])[] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    Array<number>(after.length + 1).fill(0),
  );
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const length =
        before[row] === after[column]
          ? at(lengths, row + 1, column + 1) + 1
          : Math.max(at(lengths, row + 1, column), at(lengths, row, column + 1));
      lengths[row]?.splice(column, 1, length);
    }
  }
  return lengths;
}

function at(lengths: readonly (readonly number[])[], row: number, column: number): number {
  return lengths[row]?.[column] ?? 0;
}

/** Changes with the lines around them; those that touch are shown together. */
function hunks(lines: readonly Line[]): readonly string[] {
  const shown = lines.map((_, index) =>
    lines.slice(Math.max(0, index - around), index + around + 1).some(({ sign }) => sign !== " "),
  );
  const out: string[] = [];
  let [before, after] = [1, 1];
  for (const [index, { sign, text }] of lines.entries()) {
    if (shown[index]) {
      if (!shown[index - 1]) out.push(header(lines, shown, { index, before, after }));
      out.push(`${sign}${text}`);
    }
    if (sign !== "+") before += 1;
    if (sign !== "-") after += 1;
  }
  return out;
}

function header(
  lines: readonly Line[],
  shown: readonly boolean[],
  { index, before, after }: Readonly<{ index: number; before: number; after: number }>,
): string {
  const stop = shown.indexOf(false, index);
  const hunk = lines.slice(index, stop === -1 ? lines.length : stop);
  const count = (other: Line["sign"]): number => hunk.filter(({ sign }) => sign !== other).length;
  return `@@ -${before},${count("+")} +${after},${count("-")} @@`;
}
