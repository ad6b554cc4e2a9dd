/** Child processes of the benchmark, and what the kernel says of them (Linux's /proc). */
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import type { Outcome, Work } from "./load.ts";

const ticksPerSecond = 100;

/** CPU seconds, user and system, that these processes have used so far. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the name in parentheses: fields 14 and 15 of proc(5), counted from field 3.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }, 0);
}

/** Resident memory in MiB. */
export function residentMiB(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kB = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return sum + Number(kB ?? 0) / 1024;
  }, 0);
}

/** The processes that this one started. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter((text) => text !== "")
    .map(Number);
}

/** A port that nobody uses at the moment. */
export function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
  });
  return promise;
}

/** Kept once something holds; throws after 30 s. */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen within 30 s.`);
    await pause(5);
  }
}

/** Whether a url answers with 200. */
export async function answers(url: string, init: RequestInit = {}): Promise<boolean> {
  const response = await fetch(url, init).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.status === 200;
}

/** Lets time pass. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Ends a process and waits for its end. */
export function stop(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  child.once("exit", () => resolve());
  child.kill();
  return promise;
}

/** Starts the upstream; resolves with its port. */
export async function startUpstream(): Promise<Readonly<{ port: number; stop: () => void }>> {
  const child = fork(fileURLToPath(new URL("upstream.ts", import.meta.url)));
  const { port } = await message<{ port: number }>(child);
  return { port, stop: () => child.disconnect() };
}

/** Starts the load generator. */
export function startLoad(): Readonly<{
  run: (work: Work) => Promise<Outcome>;
  stop: () => void;
}> {
  const child = fork(fileURLToPath(new URL("load.ts", import.meta.url)));
  const run = (work: Work) => {
    const outcome = message<Outcome>(child);
    child.send(work);
    return outcome;
  };
  return { run, stop: () => child.disconnect() };
}

function message<Content>(child: ChildProcess): Promise<Content> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error("A process of the benchmark ended."));
    child.once("exit", onExit);
    child.once("message", (content) => {
      child.off("exit", onExit);
      resolve(content as Content);
    });
  });
}
