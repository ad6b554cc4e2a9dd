/** `node test/bed/with.ts <command …>`: runs a command inside the bed; its exit code is passed through. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerHost, namespace, repository } from "./places.ts";
import { path } from "./processes.ts";
import { bringUpBed } from "./up.ts";

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs the command in the bed's network, with its engine and an empty home; resolves with the exit code. */
export async function runInBed(command: readonly string[]): Promise<number> {
  await bringUpBed();
  const home = mkdtempSync(join(tmpdir(), "nexus-bed-home-"));
  const child = spawn("nsenter", [`--net=/run/netns/${namespace}`, "--", ...command], {
    stdio: "inherit",
    env: environmentIn(home),
  });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of forwarded) process.on(signal, pass);
  try {
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code, signal) => resolve(code ?? exitCodeOf(signal)));
    });
  } finally {
    for (const signal of forwarded) process.off(signal, pass);
    rmSync(home, { recursive: true, force: true });
  }
}

function environmentIn(home: string): NodeJS.ProcessEnv {
  const { DOCKER_CONTEXT: _context, DOCKER_CERT_PATH: _certs, ...inherited } = process.env;
  const bin = join(repository, "node_modules/.bin");
  return {
    ...inherited,
    PATH: `${bin}:${path()}`,
    HOME: home,
    DOCKER_CONFIG: join(home, ".docker"),
    DOCKER_HOST: dockerHost,
    NEXUS_BED: "1",
  };
}

function exitCodeOf(signal: NodeJS.Signals | null): number {
  const numbers: Readonly<Record<string, number>> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGKILL: 9,
    SIGTERM: 15,
  };
  return 128 + (numbers[signal ?? ""] ?? 0);
}

if (import.meta.main) {
  try {
    process.exitCode = await runInBed(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
