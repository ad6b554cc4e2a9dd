/** Tells of a migration while it is carried out or taken back, and what became of it. */
import type { Check, MigrationEvent, MigrationReport } from "../migrate/applying/events.ts";
import { plainTheme, type Theme } from "./theme.ts";
import { count, formatBytes, formatDuration } from "./units.ts";
import { printable } from "./width.ts";

/** Milliseconds between two lines about the same step. */
const quietMs = 3000;
/** What took less is not worth a word. */
const shortMs = 1000;

/** Makes a line of an event, or none; of a long step it says every few seconds how far it is. `nowMs` is any steady clock. */
export function migrationLines(
  theme: Theme = plainTheme,
): (event: MigrationEvent, nowMs: number) => string | undefined {
  let toldMs = 0;
  return (event, nowMs) => {
    if (event.kind === "progress" && nowMs - toldMs < quietMs) return undefined;
    const line = lineOf(event, theme);
    if (line !== undefined) toldMs = nowMs;
    return line === undefined ? undefined : printable(line);
  };
}

function lineOf(event: MigrationEvent, theme: Theme): string | undefined {
  switch (event.kind) {
    case "resumed":
      return resumedLine(event);
    case "started":
      return `${theme.dim(`[${String(event.number)}/${String(event.of)}]`)} ${event.step.title}`;
    case "progress":
      return progressLine(event, theme);
    case "finished":
      return event.durationMs < shortMs
        ? undefined
        : theme.dim(`      done in ${formatDuration(event.durationMs)}`);
    case "failed":
      return `${theme.bad("✘")} ${event.step.title}`;
    case "checked":
      // The report lists those that matter.
      return undefined;
    case "undoing":
      return sentence(event.title);
    case "kept":
      return `${theme.warn("!")} ${event.detail}`;
  }
}

function resumedLine({ done, of }: Extract<MigrationEvent, { kind: "resumed" }>): string {
  return done === of
    ? "Every step of the migration was done before: looking whether everything is there."
    : `Going on with the migration that was begun: ${String(done)} of ${count(of, "step")} done.`;
}

function progressLine(
  { progress: { subject, bytes } }: Extract<MigrationEvent, { kind: "progress" }>,
  theme: Theme,
): string {
  const far =
    bytes === undefined ? "" : `, ${formatBytes(bytes.done)} of ${formatBytes(bytes.total)}`;
  return theme.dim(`      ${subject}${far}`);
}

function sentence(title: string): string {
  return `${title.slice(0, 1).toUpperCase()}${title.slice(1)}`;
}

const marks = { passed: "✔", failed: "✘", skipped: "–" } as const;

function checkLine({ id, outcome, detail }: Check, theme: Theme): string {
  const paint = { passed: theme.good, failed: theme.bad, skipped: theme.warn }[outcome];
  return `${paint(marks[outcome])} ${id}: ${detail}`;
}

/** What became of a migration: what was checked, and what to do next. */
export function formatMigrationReport(report: MigrationReport, theme: Theme = plainTheme): string {
  const { checks, verified, stopped, finishedBefore, file } = report;
  const bad = checks.filter(({ outcome }) => outcome !== "passed");
  const passed = checks.length - bad.length;
  const head = finishedBefore
    ? `The migration was finished already: nothing was left to do but to look. ${file}`
    : `Migrated: ${file}`;
  return [
    ...bad.map((check) => checkLine(check, theme)),
    `${verified ? theme.good("✔") : theme.bad("✘")} ${verified ? head : `Not everything arrived. ${file}`}`,
    `  ${count(passed, "check")} passed, ${String(bad.filter(({ outcome }) => outcome === "failed").length)} failed, ${String(bad.filter(({ outcome }) => outcome === "skipped").length)} skipped.`,
    ...stopped.map((name) => `  Stopped ${name}.`),
    ...nextSteps(report).map((line) => `  ${line}`),
  ]
    .map((line) => printable(line))
    .join("\n");
}

function nextSteps({ verified, stopped }: MigrationReport): readonly string[] {
  if (!verified)
    return [
      "Look at `nexus status`; then run the same `nexus migrate` again, or take it back with `nexus migrate --rollback`.",
    ];
  return [
    ...(stopped.length > 0
      ? ["Start the old services again with `nexus migrate --start-legacy`."]
      : []),
    "Take all of it back with `nexus migrate --rollback`.",
  ];
}
