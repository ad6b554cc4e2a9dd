/** What became of each service, for people. Pure. */
import type { ApplyReport, ServiceOutcome } from "../apply/events.ts";
import type { LogLine } from "../engine/engine.ts";
import type { Failure } from "../readiness/readiness.ts";
import type { Theme } from "./theme.ts";
import { plainTheme } from "./theme.ts";
import { count, formatDuration } from "./units.ts";
import { indent, padTo, printable, visibleWidth } from "./width.ts";

type Outcome = ServiceOutcome["outcome"];

/** Log lines shown below a failure. */
const tailLines = 10;

/** The report: one line per service, each failure with cause, last log lines and remedy, and what to do next. */
export function formatReport(
  report: ApplyReport,
  options: Readonly<{ theme?: Theme }> = {},
): string {
  const theme = options.theme ?? plainTheme;
  const { services, interrupted } = report;
  const warnings = report.warnings.map((warning) => `${theme.warn("!")} ${warning}`);
  if (!interrupted && services.every(({ outcome }) => outcome === "unchanged")) {
    const line = `${theme.good("✔")} Nothing to change: ${count(services.length, "service")} as wanted.`;
    return [line, ...warnings].join("\n");
  }
  const width = Math.max(0, ...report.services.map(({ service }) => visibleWidth(service)));
  const lines = report.services.map((service) => outcomeLine(service, width, theme));
  return [...lines, ...warnings, "", summary(report, theme), ...nextSteps(report)]
    .join("\n")
    .trim();
}

function outcomeLine(service: ServiceOutcome, width: number, theme: Theme): string {
  const [mark, colour] = marks[service.outcome];
  const head = `${theme[colour](mark)} ${padTo(service.service, width)}  ${outcomeText(service)}`;
  return service.failure === undefined ? head : `${head}\n${formatFailure(service.failure, theme)}`;
}

const marks: Readonly<
  Record<Outcome, readonly [mark: string, colour: "good" | "bad" | "warn" | "dim"]>
> = {
  ready: ["✔", "good"],
  unchanged: ["✔", "good"],
  completed: ["✔", "good"],
  removed: ["✔", "dim"],
  kept: ["!", "warn"],
  blocked: ["–", "warn"],
  failed: ["✘", "bad"],
};

function outcomeText({ outcome, level }: ServiceOutcome): string {
  if (outcome === "ready") return level ?? "ready";
  if (outcome === "unchanged") return level === undefined ? "unchanged" : `${level}, unchanged`;
  if (outcome === "kept") return "the change failed; the old one serves on";
  return outcome === "blocked" ? "not started" : outcome;
}

/** A failure, indented: what happened, the last log lines, what to do. */
export function formatFailure(failure: Failure, theme: Theme = plainTheme): string {
  const logs = formatTail(failure.logs, theme);
  const body = [printable(failure.message), ...logs, `${theme.accent("→")} ${failure.remedy}`];
  return indent(body.join("\n"), 4);
}

/** The last lines of a log, marked as such. */
export function formatTail(logs: readonly LogLine[], theme: Theme): readonly string[] {
  return logs.slice(-tailLines).map((line) => `${theme.dim("│")} ${logText(line)}`);
}

function logText({ text }: LogLine): string {
  return printable(text).trimEnd();
}

function summary(report: ApplyReport, theme: Theme): string {
  const order: readonly Outcome[] = [
    "ready",
    "completed",
    "unchanged",
    "removed",
    "kept",
    "blocked",
    "failed",
  ];
  const counts = order.flatMap((outcome) => {
    const amount = report.services.filter((service) => service.outcome === outcome).length;
    return amount === 0 ? [] : [`${String(amount)} ${outcome}`];
  });
  const what = counts.length === 0 ? "nothing to do" : counts.join(", ");
  const ending = report.interrupted ? theme.warn(" — interrupted, run it again to finish") : "";
  return `${theme.strong(`${count(report.services.length, "service")}: ${what}`)} (${formatDuration(report.durationMs)})${ending}`;
}

function nextSteps({ services }: ApplyReport): readonly string[] {
  const failed = services.find(({ outcome }) => outcome === "failed" || outcome === "kept");
  if (failed !== undefined)
    return [`Next: nexus logs ${failed.service} · nexus doctor · then nexus up again`];
  const serving = services.some(({ outcome }) => outcome === "ready" || outcome === "unchanged");
  return serving ? ['Next: nexus status · nexus chat "Hello" · nexus logs -f'] : [];
}
