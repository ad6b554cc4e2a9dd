/** Image layers as uncompressed tar archives, and the digest that names them. */
import { createHash } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import { pack } from "tar-stream";
import { run } from "../processes.ts";

/** A file, folder or link as it shall lie in an image; paths without a leading slash. */
export type Entry = Readonly<
  | { kind: "file"; path: string; content: Buffer | string; mode?: number; uid?: number }
  | { kind: "directory"; path: string; mode?: number; uid?: number }
  | { kind: "link"; path: string; target: string }
>;

/** A layer ready to be pushed. */
export type Layer = Readonly<{ digest: string; content: Buffer }>;

/** `sha256:…` of some bytes. */
export function digestOf(content: Buffer | string): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** Packs entries into a layer; the same entries give the same digest. */
export async function layerOf(entries: readonly Entry[]): Promise<Layer> {
  const archive = pack();
  const chunks: Buffer[] = [];
  archive.on("data", (chunk: unknown) => {
    if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  });
  const ended = new Promise<void>((resolve, reject) => {
    archive.on("end", resolve);
    archive.on("error", reject);
  });
  for (const entry of [...parentsOf(entries), ...entries]) addEntry(archive, entry);
  archive.finalize();
  await ended;
  const content = Buffer.concat(chunks);
  return { digest: digestOf(content), content };
}

/** An executable of this machine with every library it loads, at the paths it looks for them. */
export function executableEntries(source: string, destination: string): readonly Entry[] {
  const libraries = run(["sh", "-c", `ldd '${source}' 2>/dev/null || true`])
    .split("\n")
    .map((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1])
    .filter((path) => path !== undefined);
  return [
    { kind: "file", path: destination, content: readFileSync(realpathSync(source)), mode: 0o755 },
    ...libraries.map((path): Entry => {
      const content = readFileSync(realpathSync(path));
      return { kind: "file", path: path.slice(1), content, mode: 0o755 };
    }),
  ];
}

/** Links for the applets of a busybox that lies at `bin/busybox`. */
export function appletEntries(applets: readonly string[]): readonly Entry[] {
  return applets.map((path) => ({
    kind: "link",
    path,
    target: dirname(path) === "bin" ? basename("bin/busybox") : "/bin/busybox",
  }));
}

/** The folders that the entries lie in but do not name themselves. */
function parentsOf(entries: readonly Entry[]): readonly Entry[] {
  const named = new Set(entries.map(({ path }) => path));
  const parents = entries.flatMap(({ path }) => {
    const steps = path.split("/").slice(0, -1);
    return steps.map((_, index) => steps.slice(0, index + 1).join("/"));
  });
  const unnamed = [...new Set(parents)].filter((path) => !named.has(path)).toSorted();
  return unnamed.map((path) => ({ kind: "directory", path }));
}

function addEntry(archive: ReturnType<typeof pack>, entry: Entry): void {
  const common = { name: entry.path, mtime: new Date(0), gid: 0 };
  switch (entry.kind) {
    case "file":
      archive.entry(
        { ...common, mode: entry.mode ?? 0o644, uid: entry.uid ?? 0 },
        Buffer.from(entry.content),
      );
      return;
    case "directory":
      archive.entry({
        ...common,
        type: "directory",
        mode: entry.mode ?? 0o755,
        uid: entry.uid ?? 0,
      });
      return;
    case "link":
      archive.entry({ ...common, type: "symlink", linkname: entry.target });
  }
}
