/** Long-running processes of the bed: started detached, remembered by pid file, ended by pid only. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A daemon as the bed starts it. */
export type Daemon = Readonly<{
  command: readonly string[];
  namespace: string;
  pidFile: string;
  logFile: string;
  /** A folder of executables that goes before all others on its PATH. */
  binDir?: string;
}>;

/** A program that the bed needs ended with an error; the message carries its last words. */
export class BedCommandError extends Error {
  override name = "BedCommandError";
  constructor(command: readonly string[], output: string) {
    super(`\`${command.join(" ")}\` failed: ${output.trim()}`);
  }
}

/** Runs a short command to its end and returns what it printed; throws BedCommandError when it fails. */
export function run(command: readonly string[]): string {
  const [program = "", ...args] = command;
  const done = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, PATH: path() },
  });
  if (done.status !== 0) {
    throw new BedCommandError(command, done.error?.message ?? `${done.stderr}${done.stdout}`);
  }
  return done.stdout;
}

/** PATH with the system folders that a plain user's PATH lacks. */
export function path(): string {
  return [process.env["PATH"] ?? "", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].join(":");
}

/** Starts a daemon in its network namespace and records its pid. */
export function startDaemon(daemon: Daemon): void {
  for (const file of [daemon.pidFile, daemon.logFile])
    mkdirSync(dirname(file), { recursive: true });
  const log = openSync(daemon.logFile, "a");
  const args = [`--net=/run/netns/${daemon.namespace}`, "--", ...daemon.command];
  const child = spawn("nsenter", args, {
    detached: true,
    stdio: ["ignore", log, log],
    env: { PATH: [daemon.binDir ?? "", path()].join(":").replace(/^:/, ""), HOME: "/root" },
  });
  child.unref();
  writeFileSync(daemon.pidFile, `${child.pid}\n`);
}

/** The recorded pid when that very program still runs, else undefined. */
export function livePid(pidFile: string, program: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, "utf8"));
    const [stat, commandLine] = ["stat", "cmdline"].map((file) =>
      readFileSync(join("/proc", String(pid), file), "utf8"),
    );
    const zombie = stat?.split(") ")[1]?.startsWith("Z") ?? true;
    return !zombie && commandLine?.includes(program) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Ends the recorded process, politely and then by force after 15 s; silent when it is gone already. */
export async function stopDaemon(
  pidFile: string,
  program: string,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<void> {
  const pid = livePid(pidFile, program);
  if (pid !== undefined) {
    process.kill(pid, signal);
    const gone = await until(() => livePid(pidFile, program) === undefined, 15_000);
    if (!gone) process.kill(pid, "SIGKILL");
    await until(() => livePid(pidFile, program) === undefined, 5000);
  }
  rmSync(pidFile, { force: true });
}

/** Asks again every 20 ms until the answer is yes; false when `timeoutMs` passed first. */
export async function until(
  question: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!(await question())) {
    if (performance.now() > end) return false;
    await delay(20);
  }
  return true;
}
