/** Structured logs: one JSON object a line. Callers pass what may be known, never headers or bodies. */

type Level = "info" | "warn" | "error";

/** Writes one line; fields must hold neither secrets nor text from request bodies. */
export type Log = (level: Level, event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** A log whose lines can be forced out before the process ends. */
export type BufferedLog = Readonly<{ log: Log; flush: () => void }>;

const maxBufferedLines = 10_000;

/** Collects the lines of one turn of the event loop into one write; a flood is cut and counted. */
export function createLog(write: (text: string) => void): BufferedLog {
  let lines: string[] = [];
  let dropped = 0;
  const flush = () => {
    if (lines.length === 0) return;
    if (dropped > 0) lines.push(line("warn", "log.dropped", { lines: dropped }));
    const text = lines.join("");
    lines = [];
    dropped = 0;
    write(text);
  };
  const log: Log = (level, event, fields) => {
    if (lines.length >= maxBufferedLines) {
      dropped += 1;
      return;
    }
    if (lines.length === 0) setImmediate(flush);
    lines.push(line(level, event, fields));
  };
  return { log, flush };
}

function line(level: Level, event: string, fields?: Readonly<Record<string, unknown>>): string {
  const head = `{"time":"${new Date().toISOString()}","level":"${level}","event":"${event}"`;
  const rest = JSON.stringify(fields ?? {}).slice(1);
  return `${head}${rest === "}" ? "" : ","}${rest}\n`;
}

/** An error that nobody foresaw, for the log: what it is and where it arose; never what a parser quotes of the text it could not read. */
export function crashReason(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { name, message, stack = "" } = error;
  const frames = stack.split("\n").filter((text) => text.startsWith("    at "));
  return [error instanceof SyntaxError ? name : `${name}: ${message}`, ...frames].join("\n");
}
