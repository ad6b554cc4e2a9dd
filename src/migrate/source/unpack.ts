/** Unpacks a tar that somebody else made: every entry lands below one folder, private, or is told. */
import { copyFile, lstat, mkdir, statfs, symlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { type Duplex, type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { codeOf } from "./reason.ts";
import { saveStream } from "./copy-out.ts";
import { ArchiveBrokenError, SourceTooBigError } from "./errors.ts";

/** An entry that was not unpacked, and why, as a clause. */
export type LeftOut = Readonly<{ path: string; why: string }>;

/** What may be unpacked at most. */
export type UnpackLimits = Readonly<{ bytes: number; entries: number }>;

/** What stays free on a disk that is unpacked to. */
const reserveBytes = 512 * 1024 * 1024;
const mostEntries = 5_000_000;

type Entry = ReturnType<typeof extract> extends AsyncIterable<infer One> ? One : never;
type Link = Readonly<{ parts: readonly string[]; target: string; kind: "symlink" | "link" }>;
type Unpacking = Readonly<{
  /** Said in errors. */
  name: string;
  to: string;
  limits: UnpackLimits;
}>;

/** As much as the disk of a folder holds beside what it needs itself. */
export async function roomFor(folder: string): Promise<UnpackLimits> {
  const { bavail, bsize } = await statfs(folder);
  return { bytes: Math.max(0, bavail * bsize - reserveBytes), entries: mostEntries };
}

/**
 * Unpacks into a folder that is there, from a stream and what it is to pass first. Names that begin with `/` mean below the folder. Links are made last, so that no
 * entry is written through one. Throws ArchiveBrokenError, SourceTooBigError.
 */
export async function unpack(
  tar: readonly [Readable, ...Duplex[]],
  unpacking: Unpacking,
): Promise<readonly LeftOut[]> {
  const leftOut: LeftOut[] = [];
  const links: Link[] = [];
  const entries = extract();
  const tail = new Tail();
  const feeding = pipeline([...tar, tail, entries]);
  // A cut archive destroys the entry that is being read, and who waits for that would wait for ever.
  const failed = new Promise<never>((_, reject) => void feeding.catch(reject));
  failed.catch(() => {});
  const counted = { entries: 0, bytes: 0 };
  try {
    for await (const entry of entries) {
      count(counted, entry.header, unpacking);
      await Promise.race([place(entry, { links, leftOut, to: unpacking.to }), failed]);
      entry.resume();
    }
    await feeding;
  } catch (error) {
    throw brokenBecause(error, unpacking.name);
  }
  if (!tail.ended) throw new ArchiveBrokenError(unpacking.name, "it ends before its end");
  for (const kind of ["link", "symlink"] as const)
    for (const link of links.filter((one) => one.kind === kind))
      await makeLink(link, { counted, leftOut, unpacking });
  return leftOut;
}

/** Watches for the empty block that a tar ends with: without it, it was cut off between two entries. */
class Tail extends Transform {
  #last = Buffer.alloc(0);

  override _transform(chunk: Buffer, _: string, done: () => void): void {
    this.#last = Buffer.concat([this.#last, chunk]).subarray(-512);
    this.push(chunk);
    done();
  }

  get ended(): boolean {
    return this.#last.length === 512 && this.#last.every((byte) => byte === 0);
  }
}

function count(
  counted: { entries: number; bytes: number },
  header: Pick<Header, "size">,
  { name, limits }: Unpacking,
): void {
  counted.entries += 1;
  counted.bytes += header.size ?? 0;
  if (counted.entries > limits.entries || counted.bytes > limits.bytes)
    throw new SourceTooBigError(name, limits.bytes);
}

async function place(
  entry: Entry,
  { links, leftOut, to }: Readonly<{ links: Link[]; leftOut: LeftOut[]; to: string }>,
): Promise<void> {
  const { name, type, linkname } = entry.header;
  const parts = partsOf(name);
  const leave = (why: string) => leftOut.push({ path: posix.join("/", name), why });
  if (parts === undefined) leave("the archive would have it written outside of its own folder");
  else if (type === "symlink" || type === "link")
    links.push({ parts, target: linkname ?? "", kind: type });
  else if (type === "directory") await attempt(() => makeFolders(to, parts), leave);
  else if (type === "file" || type === "contiguous-file")
    await attempt(() => write(entry, to, parts), leave);
  else leave("it is a device, a pipe or something else that holds nothing");
}

async function write(entry: Entry, to: string, parts: readonly string[]): Promise<void> {
  await makeFolders(to, parts.slice(0, -1));
  await saveStream(entry, join(to, ...parts));
}

/** Refuses to go through anything but folders. */
async function makeFolders(to: string, parts: readonly string[]): Promise<void> {
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const folder = join(to, ...parts.slice(0, depth));
    await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
    if (!(await lstat(folder)).isDirectory()) throw new InTheWayError();
  }
}

class InTheWayError extends Error {}

/** Another name of a file is a copy of it here, and takes as much room. */
async function makeLink(
  { parts, target, kind }: Link,
  {
    counted,
    leftOut,
    unpacking,
  }: Readonly<{
    counted: { entries: number; bytes: number };
    leftOut: LeftOut[];
    unpacking: Unpacking;
  }>,
): Promise<void> {
  const { to } = unpacking;
  const path = posix.join("/", ...parts);
  const leave = (why: string) => leftOut.push({ path, why });
  if (parts.length === 0) return;
  await attempt(async () => {
    await makeFolders(to, parts.slice(0, -1));
    const here = join(to, ...parts);
    if (kind === "symlink") {
      if (leadsOut(parts, target)) leave("it is a symbolic link that leads out of the archive");
      else await symlink(target, here);
      return;
    }
    const of = partsOf(target);
    const real = of && join(to, ...of);
    const size = real === undefined ? undefined : await fileSize(real);
    if (real === undefined || size === undefined) {
      leave("it is another name of a file that the archive does not have");
      return;
    }
    count(counted, { size }, unpacking);
    await copyFile(real, here);
  }, leave);
}

async function fileSize(path: string): Promise<number | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() ? stats.size : undefined;
}

/** An absolute one begins at the archive's root; a relative one may not climb above it. */
function leadsOut(parts: readonly string[], target: string): boolean {
  if (posix.isAbsolute(target)) return false;
  return posix.normalize(posix.join(...parts.slice(0, -1), target)).split("/")[0] === "..";
}

/** Names that clash (a file where a folder is) are told; a failing disk is not theirs. */
async function attempt(work: () => Promise<void>, leave: (why: string) => void): Promise<void> {
  try {
    await work();
  } catch (error) {
    const clash = ["EEXIST", "EISDIR", "ENOTDIR", "ENOTEMPTY", "ENAMETOOLONG"];
    if (!(error instanceof InTheWayError) && !clash.includes(codeOf(error) ?? "")) throw error;
    leave("the archive has something else of that name");
  }
}

function partsOf(name: string): readonly string[] | undefined {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  return parts.includes("..") || name.includes("\0") ? undefined : parts;
}

function brokenBecause(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || error instanceof SourceTooBigError) return error;
  const code = codeOf(error);
  if (code === "ENOSPC") return new SourceTooBigError(name, 0);
  if (code === "Z_BUF_ERROR" || /unexpected end|premature close/i.test(error.message))
    return new ArchiveBrokenError(name, "it ends before its end");
  if (code?.startsWith("Z_")) return new ArchiveBrokenError(name, "its compression is damaged");
  if (/invalid tar|checksum|malformed/i.test(error.message))
    return new ArchiveBrokenError(name, "it is not a tar, or a damaged one");
  return error;
}
