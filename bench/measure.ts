/** Times whole processes and raw engine calls; prints medians, never judges. */
import { execa } from "execa";

/** CPU and wall seconds of one run of a program, by the shell's own accounting. */
export type Timing = Readonly<{ user: number; system: number; wall: number }>;

/** Runs a program once and times it; its output is thrown away, its failure is not. */
export async function timeProcess(
  command: readonly string[],
  options: Readonly<{ cwd?: string }> = {},
): Promise<Timing> {
  const script = 'TIMEFORMAT="%3U %3S %3R"; time "$@" >/dev/null 2>/dev/null';
  const { stderr } = await execa("bash", ["-c", script, "bash", ...command], options);
  const [user = 0, system = 0, wall = 0] = stderr.trim().split(" ").map(Number);
  return { user, system, wall };
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Runs `measure` `rounds` times and keeps what it gives. */
export async function repeat<Result>(
  rounds: number,
  measure: (round: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let round = 0; round < rounds; round++) results.push(await measure(round));
  return results;
}

/** A Markdown table. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
