/** Files as tar streams, which is how the engine takes them. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { extract as startExtract, pack as startPack } from "tar-stream";
import type { Pack } from "tar-stream";
import type { ArchiveEntry, TakenFile, TakenLink } from "../engine.ts";
import { isRefusal } from "./failure.ts";
import type { DockerClient } from "./client.ts";

/** What a tar stream can hold: files, folders, and the symbolic links of a build context. */
export type TarEntry = ArchiveEntry | Readonly<{ path: string; mode: number; link: string }>;

type Entries = Iterable<TarEntry> | AsyncIterable<TarEntry>;

/** Packs entries in order; a file on disk is streamed, never held whole. Errors of reading arrive on the stream. */
export function packEntries(entries: Entries): Readable {
  const pack = startPack();
  packAll(pack, entries).catch((error: unknown) =>
    pack.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return Readable.from(pack, { objectMode: false });
}

async function packAll(pack: Pack, entries: Entries): Promise<void> {
  for await (const entry of entries) await packEntry(pack, entry);
  pack.finalize();
}

async function packEntry(pack: Pack, entry: TarEntry): Promise<void> {
  const { path: name, mode } = entry;
  // A fixed time: the same files make the same layer.
  const header = { name, mode, mtime: new Date(0) };
  if ("link" in entry)
    return void pack.entry({ ...header, type: "symlink", linkname: entry.link }).end(undefined);
  const owned = { ...header, uid: entry.uid ?? 0, gid: entry.gid ?? 0 };
  if ("directory" in entry) return void pack.entry({ ...owned, type: "directory" }).end(undefined);
  if ("content" in entry) return void pack.entry(owned, entry.content);
  await streamFile(pack, owned, entry.source);
}

async function streamFile(
  pack: Pack,
  header: Parameters<Pack["entry"]>[0],
  source: string,
): Promise<void> {
  const { size } = await stat(source);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sink = pack.entry({ ...header, size }, (error) => (error ? reject(error) : resolve()));
  const file = createReadStream(source);
  file.once("error", reject);
  file.on("data", (chunk) => {
    if (sink.write(chunk)) return;
    file.pause();
    sink.once("drain", () => file.resume());
  });
  file.once("end", () => sink.end(undefined));
  await promise;
}

/** Writes entries below `path` of a container, through a mount where there is one. */
export async function putArchive(
  client: DockerClient,
  { id, path, entries }: Readonly<{ id: string; path: string; entries: readonly ArchiveEntry[] }>,
): Promise<void> {
  await client.write(`write files into ${id}`, async (docker) =>
    docker
      .getContainer(id)
      .putArchive(packEntries(entries), { path, noOverwriteDirNonDir: "true" }),
  );
}

/** Reads the files and symbolic links at and below `path` of a container, through a mount where there is one; none where there is nothing. */
export async function* takeArchive(
  client: DockerClient,
  { id, path }: Readonly<{ id: string; path: string }>,
): AsyncGenerator<TakenFile | TakenLink> {
  const furtherNames: string[] = [];
  yield* takeOnce(client, { id, path, furtherNames });
  // An archive has a file's content under its first name only; asked for alone, every name is the first. Not before the
  // first archive has ended: the engine holds the container for as long as one is read.
  for (const name of furtherNames) {
    const alone = { id, path: posix.join(posix.dirname(path), name), furtherNames: [] };
    for await (const taken of takeOnce(client, alone)) yield { ...taken, path: name };
  }
}

/** Reads one archive; names of files that it has already go to `furtherNames`. */
async function* takeOnce(
  client: DockerClient,
  { id, path, furtherNames }: Readonly<{ id: string; path: string; furtherNames: string[] }>,
): AsyncGenerator<TakenFile | TakenLink> {
  const call = `read files of ${id}`;
  const archive = await client
    .stream(call, async (docker) => docker.getContainer(id).getArchive({ path }))
    .catch((error: unknown) => {
      if (isRefusal(error, 404, /could not find the file|no such file/i)) return undefined;
      throw error;
    });
  if (archive === undefined) return;
  const extract = startExtract();
  archive.on("error", (error) => extract.destroy(error));
  archive.pipe(extract);
  try {
    for await (const entry of extract) {
      const { type, name: file, size, linkname } = entry.header;
      if (type === "file")
        yield { path: file, bytes: size, content: Readable.from(entry, { objectMode: false }) };
      else entry.resume();
      if (type === "link") furtherNames.push(file);
      if (type === "symlink") yield { path: file, link: linkname ?? "" };
    }
  } catch (error) {
    throw client.streamFailure(call, error);
  } finally {
    archive.destroy();
  }
}
