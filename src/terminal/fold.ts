/** Long lines broken at spaces, so that no terminal breaks them in the middle of a word. Pure. */
import { stripVTControlCharacters } from "node:util";
import { visibleWidth } from "./width.ts";

/** Cells that the last column must have for its continuation to stay in it. */
const leastColumn = 24;

/**
 * The text with every line that is wider than `width` broken at spaces. What goes on below a break starts where the
 * line's last column starts, or its text after a mark. Without a width (a pipe) the text is left as it is.
 */
export function fold(text: string, width: number | undefined): string {
  if (width === undefined) return text;
  return text
    .split("\n")
    .map((line) => (visibleWidth(line) <= width ? line : foldLine(line, width)))
    .join("\n");
}

function foldLine(line: string, width: number): string {
  const plain = stripVTControlCharacters(line);
  const hang = [lastColumn(plain), textAfterMark(plain), 0].find(
    (cells) => cells !== undefined && width - cells >= leastColumn,
  );
  const margin = " ".repeat(hang ?? 0);
  const folded: string[] = [];
  let current = "";
  for (const word of line.split(/(?<=\S)(?= )/)) {
    const fits = visibleWidth(current) + visibleWidth(word) <= width;
    if (fits || stripVTControlCharacters(current).trim() === "") current += word;
    else {
      folded.push(current);
      current = margin + word.trimStart();
    }
  }
  return [...folded, current].join("\n");
}

/** Columns are two or more spaces apart. */
function lastColumn(plain: string): number | undefined {
  const before = /^.*\S {2,}(?=\S)/.exec(plain)?.[0];
  return before === undefined ? undefined : visibleWidth(before);
}

function textAfterMark(plain: string): number {
  return visibleWidth(/^ *(?:[→│!✘✔–] )?/.exec(plain)?.[0] ?? "");
}
