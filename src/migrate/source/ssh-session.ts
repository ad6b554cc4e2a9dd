/** A session with a host through the system's ssh, with the user's own keys and configuration: one login for all that is asked. */
import { PassThrough, type Readable } from "node:stream";
import { join } from "node:path";
import { execa } from "execa";
import { SourceUnreachableError } from "./errors.ts";
import { makePrivateTemporary } from "./private-temporary.ts";
import { scriptEnds, scriptOf } from "./ssh-scripts.ts";

/** Where a host is. */
export type SshAddress = Readonly<{ host: string; user?: string; port?: number }>;

/** How a script ended. */
export type Answered = Readonly<{ code: number; stdout: Buffer; stderr: string }>;

/** Runs scripts at the other end. */
export type SshSession = Readonly<{
  /** Tries as the user, and where that user has no right, as root through `sudo -n`. Throws SourceUnreachableError. */
  ask: (script: string) => Promise<Answered>;
  /** The same as root at once, where that can be. */
  askAsRoot: (script: string) => Promise<Answered>;
  /** Streams what a script writes into `take`; resolves with how it ended. */
  stream: (
    script: string,
    take: (output: Readable) => Promise<void>,
    options: Readonly<{ asRoot: boolean }>,
  ) => Promise<Answered>;
  [Symbol.asyncDispose]: () => Promise<void>;
}>;

/** What ssh itself ends with. */
const sshFailed = 255;
const mostBytes = 128 * 1024 * 1024;
const loginSeconds = 20;
/** Of what went wrong, only the end is told. */
const mostWords = 2000;

/** Opens a session; it logs in with the first script. `name` is what the host is called in errors. */
export async function openSession(name: string, address: SshAddress): Promise<SshSession> {
  const folder = await makePrivateTemporary("nexus-ssh-");
  const connection = argumentsFor(address, join(folder.path, "c"));
  let sudo: boolean | undefined;

  const run = async (script: string, asRoot: boolean): Promise<Answered> => {
    const ended = await execa("ssh", [...connection, commandFor(asRoot)], {
      input: script,
      encoding: "buffer",
      reject: false,
      maxBuffer: mostBytes,
    });
    return answered(name, { ...outcomeOf(ended), stdout: Buffer.from(ended.stdout) });
  };
  const maySudo = async (): Promise<boolean> => {
    sudo ??= (await run(scriptOf("root"), false)).code !== 0 && (await run("", true)).code === 0;
    return sudo;
  };
  return {
    ask: async (script) => {
      const first = await run(script, false);
      if (first.code !== scriptEnds.noRight || !(await maySudo())) return first;
      return run(script, true);
    },
    askAsRoot: async (script) => run(script, await maySudo()),
    stream: async (script, take, { asRoot }) => {
      const root = asRoot && (await maySudo());
      const child = execa("ssh", [...connection, commandFor(root)], {
        input: script,
        encoding: "buffer",
        reject: false,
        buffer: { stdout: false },
      });
      // Piped at once: execa drains what nobody reads, and whoever takes it may first open a file.
      const output = child.stdout.pipe(new PassThrough());
      try {
        await take(output);
      } catch (error) {
        child.kill();
        throw error;
      }
      const ended = await child;
      return answered(name, { ...outcomeOf(ended), stdout: Buffer.alloc(0) });
    },
    [Symbol.asyncDispose]: async () => {
      await execa("ssh", ["-O", "exit", ...connection], { reject: false, stdio: "ignore" });
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The script comes on stdin: no shell of the user's reads a path of ours. */
const commandFor = (asRoot: boolean) => `exec ${asRoot ? "sudo -n " : ""}/bin/sh -s`;

function argumentsFor({ host, user, port }: SshAddress, socket: string): readonly string[] {
  const options = {
    BatchMode: "yes",
    ConnectTimeout: String(loginSeconds),
    ControlMaster: "auto",
    ControlPath: socket,
    ControlPersist: "60",
  };
  return [
    "-T",
    ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    "--",
    user === undefined ? host : `${user}@${host}`,
  ];
}

type Outcome = Readonly<{
  exitCode?: number | undefined;
  code?: string | undefined;
  stderr: string;
}>;

function outcomeOf(
  ended: Readonly<{
    exitCode?: number | undefined;
    code?: string | undefined;
    stderr: Uint8Array;
  }>,
): Outcome {
  const { exitCode, code } = ended;
  return { exitCode, code, stderr: Buffer.from(ended.stderr).toString("utf8") };
}

function answered(name: string, ended: Outcome & Readonly<{ stdout: Buffer }>): Answered {
  if (ended.code === "ENOENT")
    throw new SourceUnreachableError(name, "there is no ssh on this machine");
  const stderr = ended.stderr.slice(-mostWords).trim();
  if (ended.exitCode === undefined || ended.exitCode === sshFailed)
    throw new SourceUnreachableError(name, stderr.split("\n").at(-1) || "ssh was cut off");
  return { code: ended.exitCode, stdout: ended.stdout, stderr };
}
