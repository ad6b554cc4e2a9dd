import { expect, test } from "vitest";
import type { ApplyEvent } from "../../src/apply/events.ts";
import { advance, isOver, lineTitle, newBoard } from "../../src/terminal/apply-board.ts";
import { plainTheme } from "../../src/terminal/theme.ts";
import {
  failed,
  finished,
  network,
  plan,
  pull,
  pulled,
  putBack,
  start,
  started,
  wait,
} from "./plans.ts";

function play(events: readonly ApplyEvent[]) {
  return events.reduce(
    (board, event, at) => advance(board, event, (at + 1) * 1000),
    newBoard(plan),
  );
}

function line(subject: string, events: readonly ApplyEvent[]) {
  const found = play(events).get(subject);
  if (found === undefined) throw new Error(`no line ${subject}`);
  return found;
}

function title(subject: string, events: readonly ApplyEvent[], nowMs = 9000) {
  return lineTitle(line(subject, events), { subjectWidth: 6, theme: plainTheme, nowMs });
}

test("what all share comes first, services follow in the order of the plan", () => {
  expect([...newBoard(plan).keys()]).toEqual(["stack", "ollama", "ocr"]);
});

test("a line says what its service does now and how long it has been at it", () => {
  expect(title("ollama", [])).toBe("ollama  waiting for its turn");
  expect(title("ollama", [started(pull), pulled(12.3e6)])).toBe(
    "ollama  pulling ollama/ollama:0.9 · 34 % · 12.3/36 MB · 8.1 MB/s · layer 1/3 (8 s)",
  );
});

test("a line ends with the level that was reached", () => {
  const events = [started(pull), finished(pull), started(wait), finished(wait)];
  expect(title("ollama", events)).toBe("ollama  ready (3 s)");
  expect(isOver(line("ollama", events))).toBe(true);
  expect(title("stack", [started(network), finished(network)])).toBe(
    "stack   created network home (1 s)",
  );
});

test("a failure whose old container is put back is over only when that is done", () => {
  const broken = [started(start), failed(start, "exited with code 1")];
  expect(line("ocr", broken).state).toBe("failed");
  expect(isOver(line("ocr", broken))).toBe(false);
  expect(line("ocr", [...broken, started(putBack)]).state).toBe("recovering");
  const kept = [...broken, started(putBack), finished(putBack)];
  expect(isOver(line("ocr", kept))).toBe(true);
  expect(title("ocr", kept)).toBe("ocr     exited with code 1; the old one serves on (3 s)");
});

test("a failure without anything to put back is over at once", () => {
  expect(isOver(line("ollama", [started(pull), failed(pull, "no such image")]))).toBe(true);
});

test("a skipped service says why", () => {
  const skipped: ApplyEvent = { kind: "skipped", action: pull, because: "its network failed" };
  expect(line("ollama", [skipped])).toMatchObject({ state: "blocked", text: "its network failed" });
});
