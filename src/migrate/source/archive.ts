/** Trees in a tar or tar.gz: unpacked once, into a private folder that goes with the trees. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { createGunzip } from "node:zlib";
import { SourceNotFoundError } from "./errors.ts";
import { findLayout, treesBelow } from "./local.ts";
import { makePrivateTemporary } from "./private-temporary.ts";
import { reasonOf } from "./reason.ts";
import type { SourceTree } from "./tree.ts";
import { roomFor, unpack, type UnpackLimits } from "./unpack.ts";

/**
 * The hosts in an archive of a copied folder, or in the old `gateway-backup.tar.gz`, whose root is the content of
 * /var/lib/gateway/data. Throws SourceNotFoundError, ArchiveBrokenError, SourceTooBigError.
 */
export async function archivedTrees(
  archive: string,
  limits?: UnpackLimits,
): Promise<readonly SourceTree[]> {
  const file = resolve(archive);
  const packed = await isGzip(file);
  const folder = await makePrivateTemporary("nexus-archive-");
  try {
    const unpacking = {
      name: file,
      to: folder.path,
      limits: limits ?? (await roomFor(folder.path)),
    };
    const noted = packed
      ? await unpack([createReadStream(file), createGunzip()], unpacking)
      : await unpack([createReadStream(file)], unpacking);
    const { root, layout } = await findLayout(folder.path, file);
    const host = basename(file).replace(/\.(?:tar|tgz|tar\.gz)$/, "");
    let used = 0;
    const dispose = async (): Promise<void> => {
      used -= 1;
      if (used === 0) await folder[Symbol.asyncDispose]();
    };
    const trees = await treesBelow({ host, root, noted, dispose }, layout);
    used = trees.length;
    return trees;
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

async function isGzip(file: string): Promise<boolean> {
  try {
    await using handle = await open(file, "r");
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } catch (error) {
    const why = reasonOf(error);
    throw new SourceNotFoundError(file, why === "absent" ? "there is no such file" : why);
  }
}
