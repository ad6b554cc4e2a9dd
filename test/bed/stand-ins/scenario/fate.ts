/** The ways in which the scenario program comes to grief. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Behaviour } from "./behaviour.ts";

/** Arranges the crash, the hunger and the deafness that the behaviour asks for. */
export function arrangeFate(behaviour: Behaviour): void {
  const { crashAfterMs, eatMemoryAfterMs, logEveryMs } = behaviour;
  if (crashAfterMs !== Infinity && crashesThisTime(behaviour)) {
    setTimeout(() => crash(behaviour), crashAfterMs);
  }
  if (eatMemoryAfterMs !== Infinity) setTimeout(eatMemory, eatMemoryAfterMs);
  if (logEveryMs !== Infinity) chatter(logEveryMs);
  const stop = () => (behaviour.ignoreSigterm ? undefined : process.exit(0));
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

/** Says its last words on stderr and exits with the code it was told. */
export function crash({ crashCode, crashMessage }: Behaviour): void {
  process.stderr.write(`${crashMessage}\n`, () => process.exit(crashCode));
}

/** Takes memory, touching every page, until the kernel ends it. */
export function eatMemory(): void {
  const held: Buffer[] = [];
  setInterval(() => held.push(Buffer.alloc(16 * 1024 * 1024, 1)), 5);
}

function crashesThisTime({ crashFirstStarts, dataDir }: Behaviour): boolean {
  if (crashFirstStarts === Infinity) return true;
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, "starts");
  const starts = 1 + earlierStarts(file);
  writeFileSync(file, String(starts));
  return starts <= crashFirstStarts;
}

function earlierStarts(file: string): number {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return 0;
  }
}

function chatter(everyMs: number): void {
  let line = 0;
  setInterval(() => {
    line += 1;
    const stream = line % 2 === 0 ? process.stderr : process.stdout;
    stream.write(`line ${line}\n`);
  }, everyMs);
}
