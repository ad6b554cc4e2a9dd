/** One file of a host through a pure reader. What cannot be read is told by the tree itself. */
import type { Place, Reader, Reading } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";

/** Reads a file; undefined when it is not there or cannot be read. */
export async function readFile<Value>(
  tree: SourceTree,
  path: string,
  reader: Reader<Value>,
): Promise<(Reading<Value> & Readonly<{ at: Place }>) | undefined> {
  const file = await tree.read(path);
  if (file.kind !== "file") return undefined;
  const at: Place = { host: tree.host, file: path };
  return { ...reader(file.bytes, at), at };
}
