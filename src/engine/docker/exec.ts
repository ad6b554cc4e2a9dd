/** Processes started inside a running container. */
import { PassThrough } from "node:stream";
import type { Duplex, Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type Docker from "dockerode";
import type { ExecOptions, Execution } from "../engine.ts";
import { ContainerMissingError, ContainerNotRunningError } from "../errors/container.ts";
import type { DockerClient } from "./client.ts";
import { demultiplex } from "./demux.ts";
import { isRefusal } from "./failure.ts";

/** Starts a process; throws ContainerMissingError and ContainerNotRunningError. */
export async function execute(
  client: DockerClient,
  id: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<Execution> {
  const exec = await createExec(client, id, command, options).catch((error: unknown) => {
    if (isRefusal(error, 404)) throw new ContainerMissingError(id, error);
    if (isRefusal(error, 409) || isRefusal(error, 500, /not running/))
      throw new ContainerNotRunningError(id, error);
    throw error;
  });
  const connection = await client.write(`start a process in ${id}`, async () =>
    exec.start({ hijack: true, stdin: true, Tty: options.tty ?? false, Detach: false }),
  );
  return openExecution(client, exec, connection, options);
}

async function createExec(
  client: DockerClient,
  id: string,
  command: readonly string[],
  { tty, user, workingDir, environment }: ExecOptions,
): Promise<Docker.Exec> {
  return client.write(`create a process in ${id}`, async (docker) =>
    docker.getContainer(id).exec({
      Cmd: [...command],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty ?? false,
      ...(user === undefined ? {} : { User: user }),
      ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
      Env: Object.entries(environment ?? {}).map(([name, value]) => `${name}=${value}`),
    }),
  );
}

function openExecution(
  client: DockerClient,
  exec: Docker.Exec,
  connection: Duplex,
  { tty }: ExecOptions,
): Execution {
  const { stdout, stderr } = tty === true ? rawOutput(connection) : demultiplex(connection);
  const exitCode = readExitCode(client, exec, connection);
  // Whoever does not ask for the exit code is not to be killed by an unhandled rejection.
  exitCode.catch(() => undefined);
  return {
    stdin: connection,
    stdout,
    stderr,
    exitCode,
    resize: async ({ columns, rows }) => {
      await client.write("resize a terminal", async () => exec.resize({ w: columns, h: rows }));
    },
  };
}

function rawOutput(connection: Duplex): Readonly<{ stdout: Readable; stderr: Readable }> {
  const stdout = new PassThrough();
  connection.once("error", (error) => stdout.destroy(error));
  return { stdout: connection.pipe(stdout), stderr: new PassThrough().end() };
}

async function readExitCode(
  client: DockerClient,
  exec: Docker.Exec,
  connection: Duplex,
): Promise<number> {
  await finished(connection, { writable: false, error: false }).catch(() => undefined);
  const { Running, ExitCode } = await client.read("inspect a process", async (_docker, options) =>
    exec.inspect(options),
  );
  if (Running)
    throw client.streamFailure(
      "wait for a process",
      Object.assign(new Error("closed"), { code: "ECONNRESET" }),
    );
  return ExitCode ?? -1;
}
