/** How far something is that only its size tells of. */
import { join } from "node:path";
import { setInterval } from "node:timers/promises";
import type { Disk } from "./disk.ts";

const lookEveryMs = 1000;
/** Of folders with more files only as many are added up: looking must not be what it waits for. */
const mostFiles = 2000;

/** Waits for work and tells every second how many bytes of its draft are there. */
export async function tellingGrowth<Result>(
  work: Promise<Result>,
  { draft, disk, tell }: Readonly<{ draft: string; disk: Disk; tell: (bytes: number) => void }>,
): Promise<Result> {
  const ended = new AbortController();
  const told = tellUntil(ended.signal, async () => tell(await grownBytes(draft, disk)));
  try {
    return await work;
  } finally {
    ended.abort();
    await told;
  }
}

async function tellUntil(signal: AbortSignal, look: () => Promise<void>): Promise<void> {
  try {
    for await (const _ of setInterval(lookEveryMs, undefined, { signal })) await look();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** A draft is a folder, a file, or one that has its name only once it is whole. */
async function grownBytes(draft: string, disk: Disk): Promise<number> {
  const below = (await disk.below(draft)).filter(({ kind }) => kind === "file");
  const files = below.slice(0, mostFiles).map(({ path }) => join(draft, path));
  const sizes = await Promise.all(
    (files.length > 0 ? files : [draft, `${draft}.part`]).map((file) => disk.size(file)),
  );
  return sizes.reduce((sum: number, bytes = 0) => sum + bytes, 0);
}
