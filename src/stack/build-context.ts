/** What a build sends to the engine, and the hash that changes when it would. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import ignore from "@balena/dockerignore";
import type { BuildSource } from "./stack.ts";

/** One file of a build context; `path` is relative, with forward slashes. `mode` holds the permission bits. */
export type ContextFile = Readonly<{ path: string; absolute: string; mode: number; link?: string }>;

type Ignored = Readonly<{ ignores: (path: string) => boolean; hasExceptions: boolean }>;

/**
 * Every file of a context that its ignore file does not name, sorted by path; the Dockerfile and the ignore file always belong to it.
 * `<Dockerfile>.dockerignore` counts before `.dockerignore`, as Docker does it.
 */
export async function listBuildContext(
  context: string,
  dockerfile: string,
): Promise<readonly ContextFile[]> {
  const kept = new Set([dockerfile, ".dockerignore"]);
  const files = await listFolder(
    { context, ignored: await readIgnored(context, dockerfile), kept },
    "",
  );
  return files.toSorted((left, right) => (left.path < right.path ? -1 : 1));
}

/** SHA-256 over every file's path, permissions and content, the Dockerfile's name, the arguments and the target. */
export async function hashBuild(source: Omit<BuildSource, "contentHash">): Promise<string> {
  const { context, dockerfile, args, target } = source;
  const files = await listBuildContext(context, dockerfile);
  const digests = await Promise.all(files.map(digestFile));
  const sorted = Object.entries(args).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const whole = JSON.stringify({
    dockerfile,
    args: sorted,
    target: target ?? null,
    files: digests,
  });
  return createHash("sha256").update(whole).digest("hex");
}

type Walk = Readonly<{ context: string; ignored: Ignored; kept: ReadonlySet<string> }>;

async function listFolder(walk: Walk, folder: string): Promise<readonly ContextFile[]> {
  const entries = await readdir(join(walk.context, folder), { withFileTypes: true });
  const listed = await Promise.all(
    entries.map(async (entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return isSkipped(walk, path) ? [] : await listFolder(walk, path);
      const isWanted = walk.kept.has(path) || !walk.ignored.ignores(path);
      return isWanted && (entry.isFile() || entry.isSymbolicLink())
        ? [await describeFile(walk.context, path)]
        : [];
    }),
  );
  return listed.flat();
}

/** An ignored folder is only entered when an exception or the Dockerfile may lie in it. */
function isSkipped({ ignored, kept }: Walk, path: string): boolean {
  if (ignored.hasExceptions || !ignored.ignores(path)) return false;
  return ![...kept].some((file) => file.startsWith(`${path}/`));
}

async function describeFile(context: string, path: string): Promise<ContextFile> {
  const absolute = join(context, path);
  const status = await lstat(absolute);
  const link = status.isSymbolicLink() ? { link: await readlink(absolute) } : {};
  return { path, absolute, mode: status.mode & 0o7777, ...link };
}

async function readIgnored(context: string, dockerfile: string): Promise<Ignored> {
  const own = await readFile(join(context, `${dockerfile}.dockerignore`), "utf8").catch(
    () => undefined,
  );
  const text = own ?? (await readFile(join(context, ".dockerignore"), "utf8").catch(() => ""));
  const patterns = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const rules = ignore.default().add(patterns);
  return {
    ignores: (path) => rules.ignores(path),
    hasExceptions: patterns.some((line) => line.startsWith("!")),
  };
}

async function digestFile({
  path,
  absolute,
  mode,
  link,
}: ContextFile): Promise<readonly unknown[]> {
  if (link !== undefined) return [path, "link", link];
  const hash = createHash("sha256");
  await pipeline(createReadStream(absolute), hash);
  return [path, mode, hash.digest("hex")];
}
