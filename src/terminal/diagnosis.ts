/** What the doctor found, for people. Pure. */
import type { Check, Diagnosis, Verdict } from "../apply/doctor/check.ts";
import type { Theme } from "./theme.ts";
import { count } from "./units.ts";
import { indent, padTo } from "./width.ts";

const marks: Readonly<
  Record<Verdict, readonly [mark: string, colour: "good" | "warn" | "bad" | "dim"]>
> = {
  ok: ["✔", "good"],
  warn: ["!", "warn"],
  fail: ["✘", "bad"],
  skip: ["–", "dim"],
};

/** One line per check, what to do below those that need it, and a summary. */
export function formatDiagnosis({ checks }: Diagnosis, theme: Theme): string {
  const width = Math.max(...checks.map(({ id }) => id.length));
  const lines = checks.map((check) => formatCheck(check, width, theme));
  return [...lines, "", summary(checks, theme)].join("\n");
}

function formatCheck({ id, verdict, detail, fix }: Check, width: number, theme: Theme): string {
  const [mark, colour] = marks[verdict];
  const margin = width + 4;
  const [first = "", ...more] = detail.split("\n");
  const rest = [...more, ...(fix === undefined ? [] : [`${theme.accent("→")} ${fix}`])];
  const head = `${theme[colour](mark)} ${padTo(id, width)}  ${verdict === "skip" ? theme.dim(first) : first}`;
  return rest.length === 0 ? head : `${head}\n${indent(rest.join("\n"), margin)}`;
}

function summary(checks: readonly Check[], theme: Theme): string {
  const failed = checks.filter(({ verdict }) => verdict === "fail").length;
  const warned = checks.filter(({ verdict }) => verdict === "warn").length;
  if (failed > 0) return theme.bad(`${count(failed, "thing")} to mend.`);
  return theme.good(
    warned > 0
      ? `Nothing has to be mended; ${count(warned, "thing")} to think about.`
      : "All is well.",
  );
}
