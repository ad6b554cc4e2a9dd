/** Connects this terminal, or these pipes, with a process in a container. */
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { Engine, Execution } from "../engine/engine.ts";

/** How the command is run; `capture` keeps its output instead of passing it on. */
export type AttachOptions = Readonly<{
  command: readonly string[];
  "no-tty": boolean;
  user?: string | undefined;
  workdir?: string | undefined;
  env?: readonly string[] | undefined;
  capture: boolean;
}>;

/** How it ended; the output only when it was captured. */
export type Attached = Readonly<{ exitCode: number; stdout?: string; stderr?: string }>;

/** Runs a command to its end. Throws the engine's errors. */
export async function attach(
  engine: Engine,
  container: string,
  options: AttachOptions,
): Promise<Attached> {
  const tty = !options["no-tty"] && !options.capture && process.stdin.isTTY && process.stdout.isTTY;
  const { user, workdir, env = [] } = options;
  const execution = await engine.containers.exec(container, options.command, {
    tty,
    ...(user === undefined ? {} : { user }),
    ...(workdir === undefined ? {} : { workingDir: workdir }),
    ...(env.length === 0 ? {} : { environment: readEnvironment(env) }),
  });
  if (options.capture) return captureAll(execution);
  return tty ? converse(execution) : passOn(execution);
}

function readEnvironment(assignments: readonly string[]): Readonly<Record<string, string>> {
  const pairs = assignments.map((assignment) => {
    const at = assignment.indexOf("=");
    return at === -1
      ? [assignment, process.env[assignment] ?? ""]
      : [assignment.slice(0, at), assignment.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

async function captureAll({ stdin, stdout, stderr, exitCode }: Execution): Promise<Attached> {
  stdin.end();
  const [out, err, code] = await Promise.all([textOf(stdout), textOf(stderr), exitCode]);
  return { exitCode: code, stdout: out, stderr: err };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

async function passOn({ stdin, stdout, stderr, exitCode }: Execution): Promise<Attached> {
  if (process.stdin.isTTY) stdin.end();
  else process.stdin.pipe(stdin);
  stdin.on("error", ignoreClosed);
  stdout.pipe(process.stdout, { end: false });
  stderr.pipe(process.stderr, { end: false });
  const [code] = await Promise.all([exitCode, drained(stdout), drained(stderr)]);
  process.stdin.unpipe(stdin);
  process.stdin.pause();
  return { exitCode: code };
}

async function drained(stream: Readable): Promise<void> {
  await finished(stream, { writable: false }).catch(() => undefined);
}

/** Raw mode: every key, Ctrl-C too, goes to the command; the terminal is given back whatever happens. */
async function converse(execution: Execution): Promise<Attached> {
  const { stdin, stdout, exitCode } = execution;
  const resize = (): void => {
    const { columns, rows } = process.stdout;
    void execution.resize({ columns, rows }).catch(() => undefined);
  };
  process.stdin.setRawMode(true);
  process.stdin.pipe(stdin);
  stdin.on("error", ignoreClosed);
  stdout.pipe(process.stdout, { end: false });
  process.stdout.on("resize", resize);
  resize();
  try {
    return { exitCode: await exitCode };
  } finally {
    process.stdout.off("resize", resize);
    process.stdin.unpipe(stdin);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  }
}

/** The process may end before it has read everything. */
function ignoreClosed(): void {}
