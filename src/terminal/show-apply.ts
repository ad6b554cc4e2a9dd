/** Tells the story of an apply while it happens, on stderr. */
import type { ApplyEvent } from "../apply/events.ts";
import type { Plan } from "../plan/plan.ts";
import { newBoard } from "./apply-board.ts";
import { lineWriter } from "./apply-lines.ts";
import { themeOf } from "./theme.ts";

/** How the story is told: a live view, plain lines, or not at all. `json` leaves stdout alone and tells it in plain lines. */
export type ShowMode = "tty" | "plain" | "json" | "quiet";

/** A sink for the events of one apply. */
export type ApplyView = Readonly<{
  onEvent: (event: ApplyEvent) => void;
  /** Gives the terminal back; call it before anything else is printed. */
  close: () => Promise<void>;
}>;

/** The mode for a stream: live on a terminal wide enough and outside CI, else plain lines. */
export function showMode(
  stream: Readonly<{ isTTY?: boolean; columns?: number }>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ShowMode {
  const roomy = (stream.columns ?? 80) >= 30;
  const live =
    stream.isTTY === true && roomy && !environment["CI"] && environment["TERM"] !== "dumb";
  return live ? "tty" : "plain";
}

/** Opens a view of a plan that is about to be applied. An empty plan shows nothing. */
export async function showApply(
  options: Readonly<{ plan: Plan; stream: NodeJS.WriteStream; mode: ShowMode }>,
): Promise<ApplyView> {
  const { plan, stream, mode } = options;
  if (mode === "quiet" || plan.actions.length === 0) return silent;
  const theme = await themeOf(stream);
  if (mode !== "tty") return plainView(plan, stream, theme);
  const [listr, { LiveView }] = await Promise.all([import("listr2"), import("./apply-live.ts")]);
  const view = new LiveView(listr, plan, { stream, theme });
  return {
    onEvent: (event) => {
      view.onEvent(event);
    },
    close: () => view.close(),
  };
}

const silent: ApplyView = { onEvent: () => undefined, close: () => Promise.resolve() };

function plainView(
  plan: Plan,
  stream: NodeJS.WritableStream,
  theme: Awaited<ReturnType<typeof themeOf>>,
): ApplyView {
  const write = lineWriter([...newBoard(plan).keys()], theme);
  const startedMs = performance.now();
  return {
    onEvent: (event) => {
      const line = write(event, performance.now() - startedMs);
      if (line !== undefined) stream.write(`${line}\n`);
    },
    close: () => Promise.resolve(),
  };
}
