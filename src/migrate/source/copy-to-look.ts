/** Copies out of a container what is looked at, and of the rest the sizes only: a volume can be larger than this machine's disk. */
import { truncate } from "node:fs/promises";
import { join } from "node:path";
import type { TakenFile, TakenLink } from "../../engine/engine.ts";
import { saveStream } from "./copy-out.ts";
import { VolumeTooBigError } from "./errors.ts";
import { beginsAsDatabase } from "./open-database.ts";
import { writeWhole } from "./write-whole.ts";

/** Settings, registries and indexes are smaller. */
const smallBytes = 1024 * 1024;

/** Of small files there may be very many: pictures, recordings. */
const mostSmallBytes = 64 * 1024 * 1024;

/** Where to copy to. */
export type Copying = Readonly<{
  to: string;
  /** Said in errors. */
  from: string;
  /** Bytes that there is room for. */
  room: number;
}>;

/** What lies in the copy: files by what they are below the folder that was taken. */
export type CopyToLook = Readonly<{
  /** With their content. */
  held: ReadonlySet<string>;
  /** As long as they are, and without content. */
  hollow: ReadonlySet<string>;
  /** Symbolic links and what stands in them: they are not in the copy, where they would lead to something else. */
  links: ReadonlyMap<string, string>;
}>;

/**
 * Copies databases with what is beside them, and small files; in the place of every other file there is one of the same
 * size that takes no room. Throws VolumeTooBigError, which says what all of it needs.
 */
export async function copyToLook(
  files: AsyncIterable<TakenFile | TakenLink>,
  { to, from, room }: Copying,
): Promise<CopyToLook> {
  const held = new Set<string>();
  const hollow = new Set<string>();
  const links = new Map<string, string>();
  let small = 0;
  let needed = 0;
  for await (const file of files) {
    const name = namedBelow(file.path);
    if ("link" in file) {
      links.set(name, file.link);
      continue;
    }
    const isSmall = file.bytes <= Math.min(smallBytes, mostSmallBytes - small);
    const { isWanted, content } = await wanted(file, isSmall);
    if (isSmall) small += file.bytes;
    needed += isWanted ? file.bytes : 0;
    if (isWanted && needed <= room) await saveStream(content, join(to, name));
    else {
      for await (const _ of content);
      await writeWhole(join(to, name), (part) => truncate(part, file.bytes));
    }
    (isWanted ? held : hollow).add(name);
  }
  if (needed > room) throw new VolumeTooBigError(from, needed, room);
  return { held, hollow, links };
}

/** A path below the folder that was taken; empty for a file that was taken itself. */
export function namedBelow(path: string): string {
  return path.split("/").slice(1).join("/");
}

type Wanted = Readonly<{ isWanted: boolean; content: AsyncIterable<unknown> }>;

/** Names tell what belongs to a database, and only its first bytes what is one. */
async function wanted({ path, content }: TakenFile, isSmall: boolean): Promise<Wanted> {
  if (isSmall || /-(?:wal|shm|journal)$/.test(path)) return { isWanted: true, content };
  const chunks: AsyncIterator<Buffer> = content[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < 16) {
    const { done, value } = await chunks.next();
    if (done) break;
    start = Buffer.concat([start, value]);
  }
  return { isWanted: beginsAsDatabase(start), content: together(start, chunks) };
}

async function* together(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield start;
  yield* { [Symbol.asyncIterator]: () => rest };
}
