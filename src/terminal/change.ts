/** How a command that changes the stack talks with the person: the story while it works, questions, the ending. */
import type { ApplyEvent, ApplyReport } from "../apply/events.ts";
import type { Plan } from "../plan/plan.ts";
import { fold } from "./fold.ts";
import { canAsk, confirm } from "./prompts.ts";
import { formatReport } from "./report.ts";
import { type ApplyView, showApply, showMode } from "./show-apply.ts";
import { themeOf } from "./theme.ts";

/** The person's side of a change. */
export type ChangeTalk = Readonly<{
  onPlan: (plan: Plan) => Promise<void>;
  onEvent: (event: ApplyEvent) => void;
  consent: (losses: readonly string[]) => Promise<boolean>;
  /** Ends the live view however the change ends, and prints what became of every service. */
  during: (change: Promise<ApplyReport>) => Promise<ApplyReport>;
}>;

/** Talks on stderr: a live view on a terminal, plain lines elsewhere; `yes` answers every question. */
export function talkAboutChange(options: Readonly<{ yes: boolean; json: boolean }>): ChangeTalk {
  const stream = process.stderr;
  const mode = options.json ? "json" : showMode(stream);
  let view: ApplyView | undefined;
  return {
    onPlan: async (plan) => {
      await view?.close();
      view = await showApply({ plan, stream, mode });
    },
    onEvent: (event) => view?.onEvent(event),
    consent: (losses) => consent(losses, options.yes),
    during: async (change) => {
      try {
        await change;
      } finally {
        await view?.close();
      }
      const report = await change;
      if (!options.json) {
        const text = formatReport(report, { theme: await themeOf(stream) });
        stream.write(`${fold(text, stream.columns)}\n`);
      }
      return report;
    },
  };
}

async function consent(losses: readonly string[], yes: boolean): Promise<boolean> {
  if (yes || !canAsk()) return yes;
  return confirm({ message: `This destroys ${losses.join(", ")}. Go on?`, flag: "--yes" });
}

/** Milliseconds in which a repeated signal is the same key press: npx passes on what the terminal sent already. */
const echoMs = 500;

/** An abort signal that Ctrl-C and SIGTERM trip; a second Ctrl-C leaves at once, saying what that means. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  const interrupt = (): void => {
    if (!controller.signal.aborted) {
      firstMs = performance.now();
      process.stderr.write(
        "Stopping: what has begun is finished first. Press Ctrl-C again to leave at once.\n",
      );
      controller.abort(new Error("interrupted"));
    } else if (performance.now() - firstMs > echoMs) {
      process.stderr.write("Left as it is. `nexus up` carries on from here.\n");
      process.exit(130);
    }
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return controller.signal;
}
