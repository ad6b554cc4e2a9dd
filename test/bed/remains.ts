/** What an engine that was killed leaves behind on the machine: processes and mounts, found by their paths. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./processes.ts";

/** Kills container processes whose supervisor was started with a path under `dir`. */
export function killLeftBehind(dir: string): void {
  const parents = parentOfEachProcess();
  const supervisors = [...parents.keys()].filter((pid) =>
    commandLine(pid).includes(`-address\0${dir}/`),
  );
  const doomed = new Set(supervisors);
  for (let size = -1; size !== doomed.size;) {
    size = doomed.size;
    for (const [pid, parent] of parents) if (doomed.has(parent)) doomed.add(pid);
  }
  for (const pid of doomed) if (pid !== process.pid) quietly(["kill", "-KILL", String(pid)]);
}

/** Unmounts everything under `dir`, deepest first. */
export function unmountUnder(dir: string): void {
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((mount) => mount === dir || mount.startsWith(`${dir}/`));
  for (const mount of mounts.toReversed()) quietly(["umount", "--lazy", mount]);
}

/** Deletes a folder and all in it; one that is a mount point itself, such as a container's volume, is emptied. */
export function removeFolder(dir: string): void {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true });
  quietly(["rmdir", dir]);
}

/** Runs a command whose failure does not matter; tells whether it succeeded. */
export function quietly(command: readonly string[]): boolean {
  try {
    run(command);
    return true;
  } catch {
    return false;
  }
}

function parentOfEachProcess(): ReadonlyMap<number, number> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return new Map(pids.map((pid) => [Number(pid), parentOf(pid)]));
}

function parentOf(pid: string): number {
  const stat = contentOf(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

function commandLine(pid: number): string {
  return contentOf(`/proc/${pid}/cmdline`);
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
