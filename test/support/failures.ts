/** Commands that have to fail: what they say to programs and to people, and that both are told the same. */
import { execa } from "execa";
import type { FailureDocument } from "../../src/nexus-command.ts";
import { nexusBin } from "./cli.ts";

/** How a failing command is run. */
export type Circumstances = Readonly<{
  environment?: Readonly<Record<string, string>>;
  /** Words to put before the command, such as `setpriv …`. */
  under?: readonly string[];
}>;

/** What a failed command said. */
export type Failed = FailureDocument["error"] & Readonly<{ exitCode: number }>;

/**
 * Runs a command with `--json` and without. Throws unless both exit alike, the one prints exactly one JSON document of
 * an error and the other says the same message, code and remedy, without a stack trace.
 */
export async function failure(
  { directory }: Readonly<{ directory: string }>,
  words: readonly string[],
  circumstances: Circumstances = {},
): Promise<Failed> {
  const [json, shown] = await Promise.all([
    runNexus(directory, [...words, "--json"], circumstances),
    runNexus(directory, words, circumstances),
  ]);
  const { error } = JSON.parse(json.stdout) as FailureDocument;
  const text = flat(shown.stderr);
  for (const part of [error.message, error.code, error.remedy ?? ""])
    if (!text.includes(flat(part))) throw new Error(`"${part}" is not told in:\n${shown.stderr}`);
  if (/\n\s+at /.test(shown.stderr)) throw new Error(`A stack trace:\n${shown.stderr}`);
  if (shown.exitCode !== json.exitCode || json.exitCode !== error.exit)
    throw new Error(`${json.exitCode} with --json, ${shown.exitCode} without, told ${error.exit}`);
  return { ...error, exitCode: json.exitCode };
}

async function runNexus(cwd: string, words: readonly string[], circumstances: Circumstances) {
  const { environment = {}, under = [] } = circumstances;
  const [command = "", ...rest] = [...under, process.execPath, nexusBin, ...words];
  const { exitCode, stdout, stderr } = await execa(command, rest, {
    cwd,
    reject: false,
    stdin: "ignore",
    env: { NO_COLOR: "1", CI: "1", ...environment },
  });
  return { exitCode: exitCode ?? -1, stdout, stderr };
}

/** Without the frame and the line breaks that fit a text to the terminal. */
function flat(text: string): string {
  return text.replaceAll(/^ *›/gm, "").replaceAll(/\s+/g, "");
}
