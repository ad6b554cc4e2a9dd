/** listr2's renderer, drawing on a stream that others may write to as well: what they say appears above the view. */
import type * as listr2 from "listr2";

/** What the view needs of listr2: its renderer and the logger it draws with. */
export type LiveRenderer = Readonly<{
  renderer: typeof listr2.DefaultRenderer;
  logger: listr2.ListrLogger<never>;
}>;

/** Makes a renderer for `stream`; `beforeFrame` is called before each frame is drawn. */
export function liveRenderer(
  { DefaultRenderer, ListrLogger, ProcessOutput, ANSI_ESCAPE_CODES }: typeof listr2,
  stream: NodeJS.WriteStream,
  beforeFrame: () => void,
): LiveRenderer {
  let wipe = (): void => undefined;
  // oxlint-disable-next-line typescript/unbound-method -- it is always applied to the stream
  const own = stream.write;

  /** listr2 would hold back what others write until the end, and lose it when the process ends before. */
  class SharedOutput extends ProcessOutput {
    override hijack(): void {
      stream.write(ANSI_ESCAPE_CODES.CURSOR_HIDE);
      stream.write = new Proxy(own, {
        apply: (write, _, words) => {
          if (!isCursorCode(words[0])) wipe();
          return Reflect.apply(write, stream, words);
        },
      });
    }
    override release(): void {
      stream.write = own;
      stream.write(ANSI_ESCAPE_CODES.CURSOR_SHOW);
    }
  }

  class Renderer extends DefaultRenderer {
    /** listr2 asks whether stdout is a terminal; this one is for a stream that has been checked. */
    static override nonTTY = true;
    override async render(): Promise<void> {
      await super.render();
      const updater: unknown = this["updater"];
      if (canClear(updater)) wipe = () => updater.clear();
    }
    override update(): void {
      beforeFrame();
      super.update();
    }
  }
  return {
    renderer: Renderer,
    logger: new ListrLogger<never>({ processOutput: new SharedOutput(stream, stream) }),
  };
}

/** The view's own cursor is hidden and shown around every frame. */
function isCursorCode(chunk: unknown): boolean {
  return chunk === "\u001B[?25l" || chunk === "\u001B[?25h";
}

function canClear(updater: unknown): updater is Readonly<{ clear: () => void }> {
  return typeof updater === "function" && "clear" in updater;
}
