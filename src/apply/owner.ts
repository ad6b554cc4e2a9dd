/** Who this process is, and whether another one still lives: what makes a lock's owner checkable. */
import { readFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";

/** A process on a host, told apart from a later one with the same pid. */
export type ProcessOwner = Readonly<{
  host: string;
  /** Tells hosts of the same name apart; empty where the system has no such id. */
  machine: string;
  boot: string;
  pid: number;
  processStart: string;
  user: string;
}>;

/** This process. */
export async function thisProcess(): Promise<ProcessOwner> {
  return {
    host: hostname(),
    machine: await machineId(),
    boot: await bootId(),
    pid: process.pid,
    processStart: (await processStart(process.pid)) ?? "",
    user: userName(),
  };
}

/** `unknown` where it cannot be judged from here: a process on another host. */
export async function isAlive(owner: ProcessOwner): Promise<"alive" | "dead" | "unknown"> {
  if (owner.host !== hostname() || owner.machine !== (await machineId())) return "unknown";
  if (owner.boot !== (await bootId())) return "dead";
  if (!signalReaches(owner.pid)) return "dead";
  return ((await processStart(owner.pid)) ?? "") === owner.processStart ? "alive" : "dead";
}

function signalReaches(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** machine-id(5): made when Linux was installed. */
async function machineId(): Promise<string> {
  return readFile("/etc/machine-id", "utf8").then(
    (id) => id.trim(),
    () => "",
  );
}

/** Linux names each boot; elsewhere a pid and its start have to do. */
async function bootId(): Promise<string> {
  return readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (id) => id.trim(),
    () => "",
  );
}

/** Field 22 of /proc/<pid>/stat (proc(5)): start time in clock ticks after boot. */
async function processStart(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "");
  }
}
