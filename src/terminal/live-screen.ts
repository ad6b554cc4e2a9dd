/** A text that changes: repainted in place on a terminal, a new block for every change elsewhere. */

/** Where a screen is drawn. */
export type ScreenStream = Readonly<{
  isTTY?: boolean | undefined;
  rows?: number | undefined;
  write: (text: string) => unknown;
}>;

/** Shows one text after the other. */
export type Screen = Readonly<{
  /** Shows this text in place of the one before; the same text again shows nothing. */
  show: (text: string) => void;
  /** Leaves the last text where it is and shows the cursor again, below the `^C` that ended it. */
  close: () => void;
}>;

const escape = "\u001B[";

/** Opens a screen on a stream. On a terminal it takes over from the top left corner. */
export function openScreen(stream: ScreenStream): Screen {
  let last: string | undefined;
  const draw = stream.isTTY === true ? repaint : append;
  return {
    show: (text) => {
      if (text !== last) stream.write(draw(text, stream, last === undefined));
      last = text;
    },
    close: () => {
      if (stream.isTTY === true) stream.write(`${escape}?25h\n`);
    },
  };
}

/** Moves home, overwrites line by line and clears what is left: no flicker, unlike clearing first. */
function repaint(text: string, stream: ScreenStream, first: boolean): string {
  const lines = text.split("\n").slice(0, Math.max(1, (stream.rows ?? 24) - 1));
  const start = first ? `${escape}?25l${escape}2J` : "";
  return `${start}${escape}H${lines.map((line) => `${line}${escape}K\n`).join("")}${escape}J`;
}

function append(text: string, _: ScreenStream, first: boolean): string {
  return `${first ? "" : "\n"}${text}\n`;
}
