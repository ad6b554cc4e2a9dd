/** How wide text is on a terminal. Pure. */
import { stripVTControlCharacters } from "node:util";

/** Made when a text needs it: the first one loads ICU's data, 10 ms. */
function graphemes(text: string): Intl.Segments {
  return new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text);
}

/** Text whose every character takes one cell: Latin, dashes, ellipsis, arrows, lines and shapes, ticks and crosses. */
const narrow =
  /^[\x20-\x7E\u00A1-\u00AC\u00AE-\u024F\u2010-\u2027\u2190-\u21FF\u2500-\u25FC\u2713-\u2718]*$/;
/** East Asian wide and emoji ranges: two cells each. */
const wide =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|[\u{20000}-\u{3FFFD}])/u;

/** Cells that a text takes, escape codes not counted. */
export function visibleWidth(text: string): number {
  const plain = stripVTControlCharacters(text);
  if (narrow.test(plain)) return plain.length;
  return [...graphemes(plain)].reduce((sum, { segment }) => sum + cells(segment), 0);
}

function cells(grapheme: string): number {
  return wide.test(grapheme) ? 2 : 1;
}

/** The text cut to a number of cells, with `…` where something is missing. Takes text without escape codes. */
export function truncate(text: string, width: number): string {
  if (visibleWidth(text) <= width) return text;
  let [kept, used] = ["", 0];
  for (const { segment } of graphemes(text)) {
    if (used + cells(segment) > width - 1) break;
    kept += segment;
    used += cells(segment);
  }
  return width > 0 ? `${kept}…` : "";
}

/** The text with spaces after it up to a number of cells. */
export function padTo(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - visibleWidth(text)));
}

/** Every line of a text moved to the right. */
export function indent(text: string, spaces: number): string {
  const margin = " ".repeat(spaces);
  return text
    .split("\n")
    .map((line) => (line === "" ? line : margin + line))
    .join("\n");
}

/** Control characters, but not tabs, removed: what programs print must not steer the terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return stripVTControlCharacters(text).replaceAll(/[\x00-\x08\x0B-\x1F\x7F-\x9F]/g, "");
}
