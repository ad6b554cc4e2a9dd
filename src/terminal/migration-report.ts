/** Tells what became of a migration: what was compared, what is wrong and what to do, what is left to the user. */
import type { Check, MigrationReport, OnHost, StartReport } from "../migrate/applying/events.ts";
import { plainTheme, type Theme } from "./theme.ts";
import { count } from "./units.ts";
import { printable } from "./width.ts";

/** What became of a migration: failures first, each with what to do, then what nobody could check, then what was compared. */
export function formatMigrationReport(report: MigrationReport, theme: Theme = plainTheme): string {
  const { checks, stopped, keepStopped } = report;
  const failed = checks.filter(({ outcome }) => outcome === "failed");
  const skipped = checks.filter(({ outcome }) => outcome === "skipped");
  return [
    ...failed.flatMap((check) => checkLines(check, theme)),
    ...skipped.map((check) => checkLine(check, theme)),
    verdict(report, skipped.length, theme),
    ...comparedLines(checks),
    ...remediesOf(skipped).map((remedy) => `  Not done yet: ${remedy}`),
    ...stopped.map((name) => `  Stopped ${name}.`),
    ...onHostLines("They start with their machine again, unless", keepStopped),
    ...nextSteps(report).map((line) => `  ${line}`),
  ]
    .map((line) => printable(line))
    .join("\n");
}

/** What runs again, and what to type where that was kept from starting with its machine. */
export function formatStarted({ started, letStart }: StartReport): readonly string[] {
  return [
    ...started.map((name) => `Started ${name}.`),
    ...onHostLines("Where you kept one from starting with its machine since", letStart),
  ].map((line) => printable(line));
}

const marks = { passed: "✔", failed: "✘", skipped: "–" } as const;

function checkLine({ id, outcome, detail }: Check, theme: Theme): string {
  const paint = { passed: theme.good, failed: theme.bad, skipped: theme.warn }[outcome];
  return `${paint(marks[outcome])} ${id}${outcome === "skipped" ? ", not done" : ""}: ${detail}`;
}

function checkLines(check: Check, theme: Theme): readonly string[] {
  const line = checkLine(check, theme);
  return check.remedy === undefined ? [line] : [line, `  ${check.remedy}`];
}

function verdict(
  { verified, finishedBefore, file }: MigrationReport,
  skipped: number,
  theme: Theme,
): string {
  if (!verified) return `${theme.bad("✘")} Not everything arrived. ${file}`;
  const but = skipped === 0 ? "" : `, but ${count(skipped, "check")} could not be done`;
  return finishedBefore
    ? `${theme.good("✔")} The migration was finished already: nothing was left to do${but}. ${file}`
    : `${theme.good("✔")} Migrated${but}: ${file}`;
}

/** How many of each kind, and what databases hold. */
function comparedLines(checks: readonly Check[]): readonly string[] {
  const kinds = Map.groupBy(checks, ({ id }) => kindOf(id));
  const amounts = [...kinds].map(([kind, all]) => {
    const good = all.filter(({ outcome }) => outcome === "passed").length;
    const named =
      kind === filesWord && all.length > 1
        ? `${String(all.length)} sets of files`
        : count(all.length, kind);
    return `${String(good)} of ${named}`;
  });
  const databases = checks.filter(
    ({ id, outcome }) => outcome === "passed" && kindOf(id) === "database",
  );
  return [
    ...(amounts.length === 0 ? [] : [`  Compared and as it was: ${amounts.join(", ")}.`]),
    ...databases.map(({ id, detail }) => `  ${id}: ${detail}.`),
  ];
}

const filesWord = "set of files";
const kindWords = ["database", "key", "user", "model", "token", "alias"];

/** The first word of a check says what it is about; what else was carried are files. */
function kindOf(id: string): string {
  const [word = ""] = id.split(" ");
  if (word === "alias") return "name";
  return kindWords.includes(word) ? word : filesWord;
}

function remediesOf(checks: readonly Check[]): readonly string[] {
  return [...new Set(checks.flatMap(({ remedy }) => remedy ?? []))].slice(0, mostRemedies);
}

/** More of the same kind help nobody. */
const mostRemedies = 3;

function onHostLines(when: string, commands: readonly OnHost[]): readonly string[] {
  return commands.length === 0
    ? []
    : [`  ${when}:`, ...commands.map(({ host, command }) => `    ${command}  # on ${host}`)];
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
