/** The built command line as a user types it, in a folder of its own, against the engine of the bed. */
import { randomInt, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { callEngine } from "../bed/engine-http.ts";

/** The checkout's command line. */
export const nexusBin = fileURLToPath(new URL("../../bin/run.js", import.meta.url));

/** What a finished command left behind. */
export type Ran = Readonly<{ exitCode: number; stdout: string; stderr: string }>;

/** What a started command gets beside its words: more environment, and all of its stdin. */
export type Starting = Readonly<{
  env?: Readonly<Record<string, string>>;
  input?: string;
}>;

/** A folder with a stack file, and the commands run in it. */
export interface StackFolder extends AsyncDisposable {
  readonly name: string;
  readonly directory: string;
  /** Where the gateway is published. */
  readonly api: string;
  readonly observability: string;
  /** Runs a command to its end; never rejects for its exit code. */
  run(...words: string[]): Promise<Ran>;
  /** Runs a command that has to exit 0. */
  must(...words: string[]): Promise<Ran>;
  /** Runs with `--json` and parses the one document on stdout. */
  json<Document = Record<string, unknown>>(
    ...words: string[]
  ): Promise<Readonly<{ exitCode: number; document: Document }>>;
  /** Starts a command and leaves it running. */
  start(words: readonly string[], how?: Starting): ReturnType<typeof startIn>;
  /** Replaces the part of the stack file below the gateway's. */
  write(services: string): Promise<void>;
  /** The key that the first `up` made. */
  key(): string;
}

/** Makes a folder whose `nexus.yaml` has these services; name and ports are its own. Disposing takes everything down. */
export async function stackFolder(
  initial: string,
  options: Readonly<{ environment?: Readonly<Record<string, string>>; socketPath?: string }> = {},
): Promise<StackFolder> {
  const directory = await mkdtemp(join(tmpdir(), "nexus-e2e-"));
  const name = `t${randomUUID().slice(0, 8)}`;
  const [port, observabilityPort] = await freePorts();
  const env = { NO_COLOR: "1", CI: "1", ...options.environment };
  const head = `name: ${name}\ngateway: { port: ${port}, observability_port: ${observabilityPort} }\n`;
  const start = (words: readonly string[], how: Starting = {}) =>
    startIn(directory, words, { ...how, env: { ...env, ...how.env } });
  const run = async (...words: string[]): Promise<Ran> => {
    const { exitCode, stdout, stderr } = await start(words);
    return { exitCode: exitCode ?? -1, stdout, stderr };
  };
  const folder: StackFolder = {
    name,
    directory,
    api: `http://127.0.0.1:${port}`,
    observability: `http://127.0.0.1:${observabilityPort}`,
    run,
    start,
    must: async (...words) => {
      const ran = await run(...words);
      if (ran.exitCode !== 0)
        throw new Error(
          `nexus ${words.join(" ")} exited ${ran.exitCode}\n${ran.stdout}\n${ran.stderr}`,
        );
      return ran;
    },
    json: async <Document>(...words: string[]) => {
      const { exitCode, stdout, stderr } = await run(
        ...words,
        ...(words.includes("--json") ? [] : ["--json"]),
      );
      if (!stdout.trim())
        throw new Error(`nexus ${words.join(" ")} --json printed nothing\n${stderr}`);
      return { exitCode, document: JSON.parse(stdout) as Document };
    },
    write: (text) => writeFile(join(directory, "nexus.yaml"), `${head}services:\n${text}`),
    key: () => readFileSync(join(directory, ".nexus/secrets/default.key"), "utf8").trim(),
    [Symbol.asyncDispose]: async () => {
      if (process.env["NEXUS_KEEP_FAILED"]) return;
      await run("unlock", "--yes", "--stack-name", name);
      await run("down", "--volumes", "--yes", "--stack-name", name);
      await rm(directory, { recursive: true, force: true });
    },
  };
  await folder.write(initial);
  return folder;
}

function startIn(cwd: string, words: readonly string[], { env, input }: Starting) {
  return execa(process.execPath, [nexusBin, ...words], {
    cwd,
    reject: false,
    env: { ...env },
    ...(input === undefined ? { stdin: "ignore" as const } : { input }),
  });
}

/** Writes a file of the folder, with the folders above it. */
export async function writeIn(
  { directory }: Readonly<{ directory: string }>,
  path: string,
  content: string,
): Promise<void> {
  const file = join(directory, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** Reads a file of the folder. */
export const readIn = (
  { directory }: Readonly<{ directory: string }>,
  path: string,
): Promise<string> => readFile(join(directory, path), "utf8");

/** The part of a stack file below `services:`, for {@link StackFolder.write}; JSON is YAML. */
export function services(specs: Readonly<Record<string, object>>): string {
  return Object.entries(specs)
    .map(([name, spec]) => `  ${name}: ${JSON.stringify(spec)}\n`)
    .join("");
}

/** Two ports that are free now. */
async function freePorts(): Promise<[number, number]> {
  const [first, second] = await Promise.all([freePort(), freePort()]);
  return first === second ? freePorts() : [first, second];
}

/** A port that is free now. Below those that the kernel gives out by itself (ip(7)): one of these could be a client's by the time that it is published. */
export async function freePort(): Promise<number> {
  const port = randomInt(10_000, 32_000);
  return (await isFree(port)) ? port : freePort();
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  return promise;
}

/** What `docker inspect` knows, as far as tests look at it. */
export type Inspected = Readonly<{
  Id: string;
  Name: string;
  Image: string;
  Created: string;
  State: Readonly<{
    Status: string;
    Running: boolean;
    ExitCode: number;
    OOMKilled: boolean;
    StartedAt: string;
    FinishedAt: string;
  }>;
  Config: Readonly<{
    Image: string;
    User: string;
    Env: readonly string[];
    Cmd: readonly string[] | null;
    Labels: Readonly<Record<string, string>>;
  }>;
  Mounts: readonly Readonly<{ Type: string; Name?: string; Destination: string }>[];
  HostConfig: Readonly<Record<string, unknown>> &
    Readonly<{
      Memory: number;
      PidsLimit: number;
      ReadonlyRootfs: boolean;
      Privileged: boolean;
      CapDrop: readonly string[] | null;
      SecurityOpt: readonly string[] | null;
      RestartPolicy: Readonly<{ Name: string }>;
    }>;
  NetworkSettings: Readonly<{
    Ports: Readonly<Record<string, unknown>>;
    Networks: Readonly<
      Record<
        string,
        Readonly<{ IPAddress: string; Gateway: string; Aliases: readonly string[] | null }>
      >
    >;
  }>;
}>;

const defaultSocket = () =>
  (process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock").replace("unix://", "");

/** One call of the Engine API; rejects for any status of 400 and above. */
export async function engine<Answer>(
  path: string,
  options: Readonly<{ method?: string; body?: unknown; socketPath?: string }> = {},
): Promise<Answer> {
  const { socketPath = defaultSocket(), ...call } = options;
  const { status, text } = await callEngine(socketPath, { path, ...call });
  if (status >= 400) throw new Error(`${call.method ?? "GET"} ${path}: ${status} ${text}`);
  return (text ? JSON.parse(text) : undefined) as Answer;
}

/** Everything of a stack that the engine has, containers inspected, oldest generation first. */
export async function inspectStack(stack: string, socketPath?: string): Promise<Inspected[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`io.nexus.stack=${stack}`] }));
  const where = socketPath === undefined ? {} : { socketPath };
  const listed = await engine<readonly { Id: string }[]>(
    `/containers/json?all=true&filters=${filters}`,
    where,
  );
  const inspected = await Promise.all(
    listed.map(({ Id }) => engine<Inspected>(`/containers/${Id}/json`, where).catch(ifGone)),
  );
  return inspected.flat().toSorted((a, b) => a.Name.localeCompare(b.Name, "en", { numeric: true }));
}

/** A container may be removed between being listed and being inspected. */
function ifGone(error: unknown): readonly Inspected[] {
  if (String(error).includes(" 404 ")) return [];
  throw error;
}

/** The containers of one service. */
export async function containersOf(stack: string, service: string): Promise<Inspected[]> {
  const all = await inspectStack(stack);
  return all.filter(({ Config }) => Config.Labels["io.nexus.service"] === service);
}

/** What stays the same of containers that nobody touched: name, id, state and start. */
export function identities(containers: readonly Inspected[]): readonly string[] {
  return containers.map(
    ({ Name, Id, State }) => `${Name} ${Id} ${State.Status} ${State.StartedAt}`,
  );
}

/** Polls until `holds` gives something, or throws with what it was waiting for. */
export async function until<Value>(
  what: string,
  holds: () => Promise<Value | undefined | false>,
  timeoutMs = 30_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await holds();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
