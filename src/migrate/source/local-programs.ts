/** Programs of this very machine. */
import { execa } from "execa";
import type { RunProgram } from "./units.ts";

const patienceMs = 60_000;

/** Runs a program found on PATH; as root through `sudo -n` where we are not. */
export const runHere: RunProgram = async (command, { asRoot }) => {
  const needsSudo = asRoot && process.getuid?.() !== 0;
  const [program = "", ...args] = needsSudo ? ["sudo", "-n", ...command] : command;
  const ended = await execa(program, args, { reject: false, timeout: patienceMs, stdin: "ignore" });
  if (ended.code === "ENOENT") return undefined;
  return { code: ended.exitCode ?? -1, stdout: ended.stdout, stderr: ended.stderr };
};
