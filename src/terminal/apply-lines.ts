/** The story of an apply as plain lines, for logs and pipes. */
import type { ApplyEvent } from "../apply/events.ts";
import { subjectOf } from "./apply-board.ts";
import type { Theme } from "./theme.ts";
import { formatDuration } from "./units.ts";
import { padTo, visibleWidth } from "./width.ts";
import { progressText, takesTime, wordsFor } from "./wording.ts";

/** Milliseconds between two progress lines of the same action. */
const quietMs = 5000;

/** Milliseconds until a download first says how large and how fast it is. */
const firstMs = 1000;

/** Turns events into lines; `undefined` for those that are not worth one. Remembers only when each action last spoke. */
export function lineWriter(
  subjects: readonly string[],
  theme: Theme,
): (event: ApplyEvent, elapsedMs: number) => string | undefined {
  const spokenMs = new Map<string, number>();
  const width = Math.max(0, ...subjects.map(visibleWidth));
  return (event, elapsedMs) => {
    const { id } = event.action;
    if (event.kind === "progress" && elapsedMs - (spokenMs.get(id) ?? -Infinity) < quietMs)
      return undefined;
    const text = eventText(event, theme);
    if (text === undefined) return undefined;
    spokenMs.set(id, isDownloadBegun(event) ? elapsedMs - quietMs + firstMs : elapsedMs);
    const clock = theme.dim(`${(elapsedMs / 1000).toFixed(1).padStart(6)} s`);
    return `${clock}  ${padTo(subjectOf(event.action), width)}  ${text}`;
  };
}

function isDownloadBegun({ kind, action }: ApplyEvent): boolean {
  return kind === "started" && (action.kind === "pull" || action.kind === "pull-model");
}

function eventText(event: ApplyEvent, theme: Theme): string | undefined {
  const { doing, done } = wordsFor(event.action);
  switch (event.kind) {
    case "started":
      return takesTime(event.action) ? doing : undefined;
    case "progress":
      return `${doing} · ${progressText(event.progress)}`;
    case "finished":
      return (
        theme.good(done) +
        (event.durationMs >= 1000 ? ` (${formatDuration(event.durationMs)})` : "")
      );
    case "failed":
      return `${theme.bad(`failed ${doing}`)}: ${event.message}`;
    case "skipped":
      return theme.warn(`not ${doing}: ${event.because}`);
  }
}
