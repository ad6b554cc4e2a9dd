/** A real terminal: a command in a pseudo-terminal of `script`, keys typed into it, its screen as text. */
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { nexusBin, type StackFolder, until } from "./cli.ts";

/** A command that runs in a terminal. */
export interface Terminal extends AsyncDisposable {
  /** Everything printed so far, with escape codes. */
  raw(): string;
  /** Everything printed so far, as text. */
  text(): string;
  /** Waits until the text has this; rejects with all of it otherwise. */
  shows(what: RegExp): Promise<void>;
  type(keys: string): void;
  /** Waits for its end. */
  exitCode(): Promise<number>;
}

/** Keys that are not letters. */
export const keys = { enter: "\r", down: "\u001B[B", ctrlC: "\u0003", ctrlD: "\u0004" } as const;

/** Starts a Nexus command in a terminal of this size, in the folder of the stack. */
export function openTerminal(
  { directory }: Pick<StackFolder, "directory">,
  words: readonly string[],
  { columns = 80, rows = 30 }: Readonly<{ columns?: number; rows?: number }> = {},
): Terminal {
  const quoted = [process.execPath, nexusBin, ...words].map((word) => `'${word}'`).join(" ");
  const command = `stty cols ${columns} rows ${rows}; exec ${quoted}`;
  const { CI: _ci, NO_COLOR: _noColor, ...inherited } = process.env;
  const child = execa("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd: directory,
    reject: false,
    extendEnv: false,
    env: { ...inherited, TERM: "xterm-256color" },
    buffer: false,
  });
  let printed = "";
  child.stdout.on("data", (chunk) => (printed += String(chunk)));
  const text = () => stripVTControlCharacters(printed).replaceAll("\r\n", "\n");
  return {
    raw: () => printed,
    text,
    shows: async (what) => {
      await until(`${what} on the terminal`, async () => what.test(text())).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}\n${text()}`);
        },
      );
    },
    type: (typed) => void child.stdin.write(typed),
    exitCode: async () => (await child).exitCode ?? -1,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child;
    },
  };
}
