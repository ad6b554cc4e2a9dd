/** The story of an apply as a live view: one line per service, drawn by listr2. */
import type * as listr2 from "listr2";
import type { ListrTask } from "listr2";
import type { Plan } from "../plan/plan.ts";
import type { ApplyEvent } from "../apply/events.ts";
import { advance, isOver, lineTitle, newBoard } from "./apply-board.ts";
import type { Board, BoardLine } from "./apply-board.ts";
import { liveRenderer } from "./live-renderer.ts";
import type { Theme } from "./theme.ts";
import { visibleWidth } from "./width.ts";

type Listr2 = typeof listr2;
/** The part of listr2's task that is redrawn: setting it costs nothing until the next frame. */
type Drawn = { task: { title?: string | undefined } };
/** Where the view is drawn, and in which colours. */
export type LiveLook = Readonly<{ stream: NodeJS.WriteStream; theme: Theme }>;
type Row = { readonly ended: PromiseWithResolvers<void>; drawn?: Drawn };

/** The mark, the space after it, and the last cell, which some terminals wrap at. */
const markCells = 3;

/** A live view of one apply. */
export class LiveView {
  readonly #width: number;
  readonly #theme: Theme;
  readonly #stream: NodeJS.WriteStream;
  readonly #rows: ReadonlyMap<string, Row>;
  readonly #running: Promise<unknown>;
  #board: Board;

  constructor(listr: Listr2, plan: Plan, look: LiveLook) {
    this.#board = newBoard(plan);
    this.#theme = look.theme;
    this.#stream = look.stream;
    this.#width = Math.max(0, ...[...this.#board.keys()].map(visibleWidth));
    this.#rows = new Map(
      [...this.#board.keys()].map((subject) => [subject, { ended: Promise.withResolvers<void>() }]),
    );
    this.#running = this.#start(listr, look);
  }

  /** Takes note of an event; it is drawn with the next frame. */
  onEvent(event: ApplyEvent): void {
    this.#board = advance(this.#board, event, performance.now());
    for (const line of this.#board.values()) if (isOver(line)) this.#end(line);
  }

  /** Wipes the view and gives the terminal back: the report says what became of it. */
  async close(): Promise<void> {
    for (const line of this.#board.values()) this.#end(line);
    await this.#running;
  }

  #start(listr: Listr2, { stream, theme }: LiveLook): Promise<unknown> {
    const { renderer, logger } = liveRenderer(listr, stream, () => this.#redraw());
    const color = {
      COMPLETED: paint(theme.good),
      FAILED: paint(theme.bad),
      PENDING: paint(theme.accent),
      WAITING: paint(theme.dim),
    };
    /** The same marks as in the report that takes the view's place. */
    const icon = { COMPLETED: "✔", FAILED: "✘" };
    const tasks = [...this.#rows].map(([subject, row]) => this.#task(subject, row));
    return new listr.Listr(tasks, {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer,
      rendererOptions: { logger, color, icon, formatOutput: "truncate", clearOutput: true },
    }).run();
  }

  #task(subject: string, row: Row): ListrTask {
    return {
      title: this.#title(subject),
      task: async (_, drawn) => {
        row.drawn = drawn;
        await row.ended.promise;
      },
    };
  }

  #title(subject: string): string {
    const line = this.#board.get(subject);
    if (line === undefined) return subject;
    return lineTitle(line, {
      subjectWidth: this.#width,
      theme: this.#theme,
      nowMs: performance.now(),
      width: this.#stream.columns - markCells,
    });
  }

  #redraw(): void {
    for (const [subject, { drawn }] of this.#rows) {
      if (drawn !== undefined) drawn.task.title = this.#title(subject);
    }
  }

  #end(line: BoardLine): void {
    const row = this.#rows.get(line.subject);
    if (row === undefined) return;
    if (line.state === "done" || line.state === "waiting") row.ended.resolve();
    else row.ended.reject(new Error(this.#title(line.subject)));
  }
}

function paint(colour: (text: string) => string): (message?: string) => string {
  return (message = "") => colour(message);
}
