/** What every line of the live view says, as the events of an apply come in. Pure. */
import type { ApplyEvent } from "../apply/events.ts";
import type { Action, Plan } from "../plan/plan.ts";
import type { Theme } from "./theme.ts";
import { formatDuration } from "./units.ts";
import { padTo, truncate } from "./width.ts";
import { progressText, wordsFor } from "./wording.ts";

/** How a line stands; `recovering` means the old container is being put back. */
export type LineState =
  | "waiting"
  | "working"
  | "recovering"
  | "done"
  | "failed"
  | "kept"
  | "blocked";

/** One line: a service, the gateway, or what all share. */
export type BoardLine = Readonly<{
  subject: string;
  state: LineState;
  text: string;
  /** When its first action started and when its last one ended, in the clock of the caller. */
  startedMs?: number;
  endedMs?: number;
  /** Ids of planned actions still to come to an end. */
  open: ReadonlySet<string>;
  /** Ids of the actions that put the old container back. */
  recovery: ReadonlySet<string>;
  /** Running actions and what they say now, oldest first. */
  running: ReadonlyMap<string, string>;
  /** What it has come to, once that is known: `ready`. */
  outcome?: string;
  /** The outcome is a level, which later actions do not change. */
  reached?: true;
  /** Why it failed, when it did. */
  failure?: string;
}>;

/** The lines by subject, in the order to show them. */
export type Board = ReadonlyMap<string, BoardLine>;

/** The subject of actions that no single service owns. */
export const sharedSubject = "stack";

/** The board before anything has happened: shared things first, then the gateway, then the services. */
export function newBoard(plan: Plan): Board {
  const subjects = new Set(plan.actions.map(subjectOf));
  const first = [sharedSubject, "gateway"].filter((subject) => subjects.has(subject));
  return new Map(
    [...new Set([...first, ...subjects])].map((subject) => [subject, newLine(plan, subject)]),
  );
}

function newLine(plan: Plan, subject: string): BoardLine {
  const actions = plan.actions.filter((action) => subjectOf(action) === subject);
  return {
    subject,
    state: "waiting",
    text: "waiting for its turn",
    open: new Set(actions.map(({ id }) => id)),
    recovery: new Set((plan.recoveries[subject] ?? []).map(({ id }) => id)),
    running: new Map(),
  };
}

/** The line that an action belongs to. */
export function subjectOf(action: Action): string {
  return action.service ?? sharedSubject;
}

/** The board after an event that happened at `nowMs`. */
export function advance(board: Board, event: ApplyEvent, nowMs: number): Board {
  const subject = subjectOf(event.action);
  const line = board.get(subject);
  return line === undefined
    ? board
    : new Map([...board, [subject, settle(step(line, event, nowMs), nowMs)]]);
}

function step(line: BoardLine, event: ApplyEvent, nowMs: number): BoardLine {
  const { id } = event.action;
  const begun = { ...line, startedMs: line.startedMs ?? nowMs };
  switch (event.kind) {
    case "started":
      return say(begun, id, wordsFor(event.action).doing);
    case "progress":
      return say(begun, id, `${wordsFor(event.action).doing} · ${progressText(event.progress)}`);
    case "finished":
      return end(withOutcome(begun, event.action), id);
    case "failed":
      return end({ ...begun, failure: line.failure ?? event.message }, id);
    case "skipped":
      return end({ ...line, failure: line.failure ?? event.because }, id, "blocked");
  }
}

/** A line ends with the level it reached; one that waits for nothing, with what it did last. */
function withOutcome(line: BoardLine, action: Action): BoardLine {
  const outcome = wordsFor(action).done;
  if (action.kind === "await") return { ...line, outcome, reached: true };
  return line.reached === true ? line : { ...line, outcome };
}

function say(line: BoardLine, id: string, text: string): BoardLine {
  const state = line.recovery.has(id) ? "recovering" : "working";
  const { endedMs: _, ...open } = line;
  return { ...open, state, text, running: new Map([...line.running, [id, text]]) };
}

function end(line: BoardLine, id: string, state = line.state): BoardLine {
  const running = new Map([...line.running].filter(([other]) => other !== id));
  const text = [...running.values()].at(-1) ?? line.text;
  const open = new Set([...line.open].filter((other) => other !== id));
  const recovery = new Set([...line.recovery].filter((other) => other !== id));
  return { ...line, running, text, open, recovery, state };
}

/** Ends a line whose work is over. */
function settle(line: BoardLine, nowMs: number): BoardLine {
  if (line.running.size > 0) return line;
  if (line.failure !== undefined) return settleFailed(line, nowMs);
  return line.open.size > 0
    ? line
    : { ...line, state: "done", text: line.outcome ?? "done", endedMs: nowMs };
}

function settleFailed(line: BoardLine, nowMs: number): BoardLine {
  const text = line.failure ?? line.text;
  if (line.state === "blocked") return { ...line, text, endedMs: nowMs };
  if (line.state !== "recovering") return { ...line, state: "failed", text, endedMs: nowMs };
  return line.recovery.size > 0
    ? line
    : { ...line, state: "kept", text: `${text}; the old one serves on`, endedMs: nowMs };
}

/** Says whether nothing more will happen on a line. */
export function isOver(line: BoardLine): boolean {
  if (line.state === "done" || line.state === "kept") return true;
  return (line.state === "failed" || line.state === "blocked") && line.recovery.size === 0;
}

/** The line in one row of at most `width` cells: its subject, what it does, how long it has been at it. */
export function lineTitle(
  line: BoardLine,
  look: Readonly<{ subjectWidth: number; theme: Theme; nowMs: number; width?: number }>,
): string {
  const { subjectWidth, theme, nowMs, width = Infinity } = look;
  const [text = ""] = line.text.split("\n", 1);
  const elapsed =
    line.startedMs === undefined
      ? ""
      : ` (${formatDuration((line.endedMs ?? nowMs) - line.startedMs)})`;
  const head = `${padTo(line.subject, subjectWidth)}  ${text}`;
  return truncate(head, width - elapsed.length) + theme.dim(elapsed);
}
