/** Unified diffs in colour. Pure. */
import type { Theme } from "./theme.ts";

/** A diff with what is added and removed in its colours. */
export function paintDiff(diff: string, theme: Theme): string {
  return diff
    .split("\n")
    .map((line) => paintLine(line, theme))
    .join("\n");
}

function paintLine(line: string, theme: Theme): string {
  if (/^(?:---|\+\+\+|@@)/.test(line)) return theme.dim(line);
  if (line.startsWith("+")) return theme.good(line);
  return line.startsWith("-") ? theme.bad(line) : line;
}
