/** Killing commands at chosen moments, and what a stack must look like when nothing is left behind. */
import { setTimeout as delay } from "node:timers/promises";
import { callEngine } from "../bed/engine-http.ts";
import { socketPath as bedSocket } from "../bed/places.ts";
import { engine, inspectStack, type StackFolder } from "./cli.ts";

/**
 * As many moments as asked, in milliseconds, one in each equal part of the duration. The same seed gives the same
 * moments (mulberry32).
 */
export function momentsOver(durationMs: number, count: number, seed: number): readonly number[] {
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const part = durationMs / count;
  return Array.from({ length: count }, (_, index) => Math.round((index + random()) * part));
}

/** Starts a command and sends it the signal after so many milliseconds; resolves with how it ended. */
export async function signalAfter(
  stack: StackFolder,
  words: readonly string[],
  { signal, ms }: Readonly<{ signal: NodeJS.Signals; ms: number }>,
): Promise<Readonly<{ exitCode: number | undefined; signal: string | undefined; stderr: string }>> {
  const command = stack.start(words);
  const ended = new AbortController();
  void command.then(() => ended.abort());
  await delay(ms, undefined, { signal: ended.signal }).catch(() => undefined);
  command.kill(signal);
  const { exitCode, signal: killedBy, stderr } = await command;
  return { exitCode, signal: killedBy, stderr };
}

/** Everything on the engine that belongs to a stack, by label or by name. */
export type Belongings = Readonly<{
  /** `store-2 running unless-stopped` */
  containers: readonly string[];
  networks: readonly string[];
  volumes: readonly string[];
}>;

/** Looks at the engine for whatever belongs to a stack: locks, claims and carriers, too. */
export async function belongingsOf(stack: string, socketPath?: string): Promise<Belongings> {
  const where = socketPath === undefined ? {} : { socketPath };
  const [containers, networks, { Volumes }] = await Promise.all([
    inspectStack(stack, socketPath),
    engine<readonly Named[]>("/networks", where),
    engine<Readonly<{ Volumes: readonly Named[] | null }>>("/volumes", where),
  ]);
  const names = (all: readonly Named[]) =>
    all.filter((each) => belongsTo(each, stack)).map(({ Name }) => Name);
  return {
    containers: containers.map(({ Name, State, HostConfig }) =>
      [Name.replace(`/${stack}-`, ""), State.Status, HostConfig.RestartPolicy.Name].join(" "),
    ),
    networks: names(networks).toSorted(),
    volumes: names(Volumes ?? []).toSorted(),
  };
}

type Named = Readonly<{ Name: string; Labels: Readonly<Record<string, string>> | null }>;

function belongsTo({ Name, Labels }: Named, stack: string): boolean {
  return Name.includes(stack) || Labels?.["io.nexus.stack"] === stack;
}

/** Takes everything of a stack away at once, without Nexus; volumes only when told to. */
export async function wipe(
  stack: string,
  { volumes }: Readonly<{ volumes: boolean }>,
): Promise<void> {
  const containers = await inspectStack(stack);
  await Promise.all(
    containers.map(({ Id }) => engine(`/containers/${Id}?force=true&v=true`, { method: "DELETE" })),
  );
  const left = await belongingsOf(stack);
  await Promise.all(left.networks.map((name) => engine(`/networks/${name}`, { method: "DELETE" })));
  if (!volumes) return;
  await Promise.all(left.volumes.map((name) => engine(`/volumes/${name}`, { method: "DELETE" })));
}

/** Writes a line to a file inside a running container; it is there when this resolves. */
export async function writeInside(container: string, path: string, text: string): Promise<void> {
  const { Id } = await engine<Readonly<{ Id: string }>>(`/containers/${container}/exec`, {
    method: "POST",
    body: { Cmd: ["sh", "-c", `printf %s '${text}' > ${path}`], AttachStdout: true },
  });
  await callEngine(bedSocket, { method: "POST", path: `/exec/${Id}/start`, body: {} });
}

/** Reads a file of a container, running or not. */
export async function readInside(container: string, path: string): Promise<string> {
  const { text: tar } = await callEngine(bedSocket, {
    path: `/containers/${container}/archive?path=${path}`,
  });
  return tar.slice(512).replaceAll("\0", "");
}

/** What runs in a container: the command of each process. */
export async function processesIn(container: string): Promise<readonly string[]> {
  const { Processes } = await engine<Readonly<{ Processes: readonly (readonly string[])[] }>>(
    `/containers/${container}/top?ps_args=-eo%20pid,args`,
  );
  return Processes.map(([, command = ""]) => command);
}
