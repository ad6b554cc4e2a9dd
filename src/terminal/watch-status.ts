/** The status of a stack as it changes. */
import { setTimeout as pause } from "node:timers/promises";
import { readStackStatus, type StackStatus, type StatusQuestion } from "../apply/stack-status.ts";
import { fold } from "./fold.ts";
import { openScreen } from "./live-screen.ts";
import { stopSignal } from "./output.ts";
import { formatStatus, statusFingerprint } from "./status.ts";
import { themeOf } from "./theme.ts";

/** Milliseconds between two looks when nothing happens on the engine. */
const lookEveryMs = 1000;

/**
 * Shows every change until Ctrl-C: on a terminal repainted in place, elsewhere one block per change, with `json` one
 * document per line. Looks again at every engine event, and once a second for what only the gateway knows.
 */
export async function watchStatus(
  question: StatusQuestion,
  { json }: Readonly<{ json: boolean }>,
): Promise<undefined> {
  const signal = stopSignal();
  const screen = openScreen(process.stdout);
  const text = await textShower(screen.show);
  const show = process.stdout.isTTY && !json ? text : onlyChanges(json ? showJson : text);
  const news = eventAlarm(question, signal);
  while (!signal.aborted) {
    const rung = news.next();
    show(await readStackStatus(question));
    await Promise.race([rung, pause(lookEveryMs, undefined, { signal })]).catch(() => undefined);
  }
  screen.close();
  return undefined;
}

async function textShower(show: (text: string) => void): Promise<(status: StackStatus) => void> {
  const theme = await themeOf(process.stdout);
  return (status) => {
    const width = process.stdout.columns;
    show(fold(formatStatus(status, { theme, nowMs: Date.now(), width }), width));
  };
}

function showJson(status: StackStatus): void {
  process.stdout.write(`${JSON.stringify(status)}\n`);
}

/** Leaves out what differs from the last status only in ages and numbers of requests. */
function onlyChanges(show: (status: StackStatus) => void): (status: StackStatus) => void {
  let last: string | undefined;
  return (status) => {
    const fingerprint = statusFingerprint(status);
    if (fingerprint !== last) show(status);
    last = fingerprint;
  };
}

/** Rings at every engine event of the stack. An engine that goes away is noticed by the next look. */
function eventAlarm(
  { engine, name }: StatusQuestion,
  signal: AbortSignal,
): Readonly<{ next: () => Promise<void> }> {
  let bell = Promise.withResolvers<void>();
  const listen = async (): Promise<void> => {
    const events = engine.events(name, signal)[Symbol.asyncIterator]();
    while ((await events.next()).done !== true) bell.resolve();
  };
  void listen().catch(() => undefined);
  return {
    next: () => {
      bell = Promise.withResolvers<void>();
      return bell.promise;
    },
  };
}
