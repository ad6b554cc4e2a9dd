/** What somebody probably meant to type. Pure. */
import { nearest } from "../stack/nearest.ts";

/** The command nearest to what was typed: one of two words where the first two words fit one. */
export function nearestCommand(
  words: readonly string[],
  commands: readonly string[],
): string | undefined {
  const [first = "", second = ""] = words.filter((word) => !word.startsWith("-"));
  const pair = second === "" ? undefined : nearest(`${first} ${second}`, commands);
  return (
    pair ??
    nearest(first, commands) ??
    commands.find((command) => command.startsWith(`${first} `)) ??
    synonyms[first]
  );
}

/** Words that other tools use for the same. */
const synonyms: Readonly<Record<string, string>> = {
  start: "up",
  run: "up",
  stop: "down",
  rm: "remove service",
  ps: "status",
  ls: "status",
  list: "status",
  check: "doctor",
  ask: "chat",
  diff: "plan",
  new: "init",
  key: "keys ls",
  model: "models ls",
  pull: "models pull",
  templates: "catalog",
};

/** A flag that does not exist, and the one that was probably meant: `--watch`. */
export function nearestFlag(flag: string, known: readonly string[]): string | undefined {
  const typed = flag.replace(/^--?/, "").replace(/=.*$/s, "");
  const near =
    nearest(typed, known) ?? known.find((name) => typed.length > 2 && name.startsWith(`${typed}-`));
  return near === undefined ? undefined : `--${near}`;
}
