/** Tells of a migration while it is carried out or taken back. */
import type { MigrationEvent, StepProgress } from "../migrate/applying/events.ts";
import { plainTheme, type Theme } from "./theme.ts";
import { count, formatBytes, formatDuration, formatShare } from "./units.ts";
import { printable } from "./width.ts";

/** Milliseconds between two lines about the same step. */
const quietMs = 3000;
/** What took less is not worth a word. */
const shortMs = 1000;

/** Makes a line of an event, or none; of a long step it says every few seconds how far it is, and how fast. `nowMs` is any steady clock. */
export function migrationLines(
  theme: Theme = plainTheme,
): (event: MigrationEvent, nowMs: number) => string | undefined {
  let toldMs = 0;
  const speed = new Speed();
  return (event, nowMs) => {
    if (event.kind === "started") speed.begin();
    if (event.kind === "progress") speed.note(event.progress, nowMs);
    if (event.kind === "progress" && nowMs - toldMs < quietMs) return undefined;
    const line = lineOf(event, speed.bytesPerSecond, theme);
    if (line !== undefined) toldMs = nowMs;
    return line === undefined ? undefined : printable(line);
  };
}

/** Bytes a second since the first progress of a step towards the same amount; a step may go on where another run ended. */
class Speed {
  #first: Readonly<{ done: number; total: number; atMs: number }> | undefined;
  bytesPerSecond = 0;

  begin(): void {
    this.#first = undefined;
    this.bytesPerSecond = 0;
  }

  note({ bytes }: StepProgress, atMs: number): void {
    if (bytes === undefined) return;
    const isOther = bytes.total !== this.#first?.total || bytes.done < this.#first.done;
    const first = this.#first === undefined || isOther ? { ...bytes, atMs } : this.#first;
    this.#first = first;
    const seconds = (atMs - first.atMs) / 1000;
    this.bytesPerSecond = seconds > 0 ? (bytes.done - first.done) / seconds : 0;
  }
}

function lineOf(event: MigrationEvent, bytesPerSecond: number, theme: Theme): string | undefined {
  switch (event.kind) {
    case "resumed":
      return resumedLine(event);
    case "started":
      return `${theme.dim(`[${String(event.number)}/${String(event.of)}]`)} ${event.step.title}`;
    case "progress":
      return theme.dim(`      ${progressText(event.progress, bytesPerSecond)}`);
    case "finished":
      return event.durationMs < shortMs
        ? undefined
        : theme.dim(`      done in ${formatDuration(event.durationMs)}`);
    case "failed":
      return `${theme.bad("✘")} ${event.step.title}`;
    case "checked":
      // The report tells of all of them.
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

/** `models/a · 55 % · 5/9 MB · 1.2 MB/s · 4 s left`. */
function progressText({ subject, bytes }: StepProgress, bytesPerSecond: number): string {
  if (bytes === undefined || bytes.total <= 0) return subject;
  const { done, total } = bytes;
  const percent = Math.min(100, Math.floor((done / total) * 100));
  const left = bytesPerSecond > 0 ? ((total - done) / bytesPerSecond) * 1000 : 0;
  const rest = [
    ...(bytesPerSecond > 0 ? [`${formatBytes(bytesPerSecond)}/s`] : []),
    ...(left >= 1000 ? [`${formatDuration(left)} left`] : []),
  ];
  return [subject, `${String(percent)} %`, formatShare(done, total), ...rest].join(" · ");
}

function sentence(title: string): string {
  return `${title.slice(0, 1).toUpperCase()}${title.slice(1)}`;
}
