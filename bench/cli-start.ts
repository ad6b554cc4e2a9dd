/** What starting the command line costs, against starting Node with nothing to do. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { markdownTable, median, repeat, type Timing, timeProcess } from "./measure.ts";

const nexus = fileURLToPath(new URL("../bin/run.js", import.meta.url));
const rounds = 15;

/** Interleaves the three programs, so that a slow moment of the machine meets all of them. */
export async function benchCliStart(): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), "nexus-bench-"));
  await writeFile(join(cwd, "nexus.yaml"), "name: bench-start\nservices: {}\n");
  const programs = {
    "node -e 0": [process.execPath, "-e", "0"],
    "nexus --version": [process.execPath, nexus, "--version"],
    "nexus status": ["bash", "-c", `"$0" "$1" status || true`, process.execPath, nexus],
  };
  const timings: Record<string, Timing[]> = {};
  await repeat(rounds, async () => {
    for (const [name, command] of Object.entries(programs))
      (timings[name] ??= []).push(await timeProcess(command, { cwd }));
  });
  await rm(cwd, { recursive: true });
  const floor = median((timings["node -e 0"] ?? []).map(({ user }) => user));
  const rows = Object.entries(timings).map(([name, all]) => {
    const user = median(all.map((timing) => timing.user));
    const wall = median(all.map((timing) => timing.wall));
    return [
      name,
      `${(user * 1000).toFixed(0)} ms`,
      `${(user / floor).toFixed(1)} ×`,
      `${(wall * 1000).toFixed(0)} ms`,
    ];
  });
  return markdownTable(["program", "user CPU (median)", "of `node -e 0`", "wall (median)"], rows);
}
