/** Text that is added to a file of the user's own, and taken away again without a trace. */
import { createHash } from "node:crypto";
import type { Disk } from "./disk.ts";
import type { AppendedTrace } from "./journal.ts";

/** What adding a text to a file is going to make of it. */
export function toAppend(path: string, before: Buffer, text: string): AppendedTrace {
  return { path, sha256: digestOf(before), bytes: before.length, text };
}

/** Adds the text, unless a run before did; what a dying one tore is mended. */
export async function append(trace: AppendedTrace, disk: Disk): Promise<void> {
  const added = addedTo(await disk.read(trace.path), trace);
  if (added === trace.text) return;
  if (added !== undefined && added !== "") await disk.cut(trace.path, trace.bytes);
  await disk.append(trace.path, trace.text);
}

/** Takes the text away; resolves with false where somebody changed the file since, and leaves it then. */
export async function takeAway(trace: AppendedTrace, disk: Disk): Promise<boolean> {
  const content = await disk.read(trace.path);
  const added = addedTo(content, trace);
  if (added === undefined) return content === undefined;
  if (added !== "") await disk.cut(trace.path, trace.bytes);
  return true;
}

/** What of the text is there behind the file as it was; undefined when it is another file. */
function addedTo(
  content: Buffer | undefined,
  { sha256, bytes, text }: AppendedTrace,
): string | undefined {
  if (content === undefined || digestOf(content.subarray(0, bytes)) !== sha256) return undefined;
  const added = content.subarray(bytes).toString("utf8");
  return text.startsWith(added) ? added : undefined;
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
