/** The conformance matrix of a service. Pure. */
import { type Finding, groups, type Outcome } from "../verify/finding.ts";
import type { Conformance } from "../verify/verify.ts";
import type { Theme } from "./theme.ts";
import { count } from "./units.ts";
import { padTo, printable } from "./width.ts";

const marks: Readonly<Record<Outcome, readonly [mark: string, colour: "good" | "bad" | "dim"]>> = {
  pass: ["✔", "good"],
  fail: ["✘", "bad"],
  "not-claimed": ["·", "dim"],
  skipped: ["–", "dim"],
};

/** A block per group, a row per check, and a summary. */
export function formatConformance({ service, findings }: Conformance, theme: Theme): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const blocks = groups
    .map((group) => ({ group, rows: findings.filter((finding) => finding.group === group) }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ group, rows }) =>
      [theme.strong(group), ...rows.map((row) => formatRow(row, width, theme))].join("\n"),
    );
  return [...blocks, summary(service, findings, theme)].join("\n\n");
}

function formatRow({ check, outcome, detail }: Finding, width: number, theme: Theme): string {
  const [mark, colour] = marks[outcome];
  const word = { pass: "", fail: "", "not-claimed": "not claimed: ", skipped: "skipped: " }[
    outcome
  ];
  const text = printable(`${word}${detail}`);
  return `  ${theme[colour](mark)} ${padTo(check, width)}  ${colour === "dim" ? theme.dim(text) : text}`;
}

function summary(service: string, findings: readonly Finding[], theme: Theme): string {
  const of = (outcome: Outcome) => findings.filter((finding) => finding.outcome === outcome).length;
  const rest = [
    `${of("pass")} passed`,
    `${of("not-claimed")} not claimed`,
    `${of("skipped")} skipped`,
  ].join(", ");
  return of("fail") > 0
    ? theme.bad(`${service}: ${count(of("fail"), "check")} failed, ${rest}.`)
    : theme.good(`${service}: ${rest}.`);
}
