/** Bytes of a settings file as text. Pure. */
import { isUtf8 } from "node:buffer";
import type { NotUnderstood, Place, Reading } from "../reading.ts";

/** Settings are small; what is larger is something else. */
const largestBytes = 16 * 1024 * 1024;
const byteOrderMarks: readonly (readonly [hex: string, encoding: string])[] = [
  ["fffe", "utf-16le"],
  ["feff", "utf-16be"],
];

/** Decodes a file without its byte order mark. What is not UTF-8 is noted and stands as U+FFFD; a file of more than 16 MiB is noted and empty. */
export function readText(bytes: Buffer, at: Place): Reading<string> {
  const note = (why: string): NotUnderstood => ({ at, what: "the file", why });
  if (bytes.length > largestBytes)
    return { found: "", notUnderstood: [note("is larger than any settings file: over 16 MiB.")] };
  const start = bytes.subarray(0, 2).toString("hex");
  const wide = byteOrderMarks.find(([mark]) => mark === start);
  const text = new TextDecoder(wide?.[1] ?? "utf-8").decode(bytes);
  const lossy = wide === undefined && !isUtf8(bytes);
  const why = "is not all UTF-8: bytes that mean nothing were replaced by U+FFFD.";
  return { found: text, notUnderstood: lossy ? [note(why)] : [] };
}

/** The place of a line in a file, 0 where it has no lines; a text that is itself a value in a file stays where it is. */
export function lineAt(at: Place, line: number): Place {
  return at.line === undefined && line > 0 ? { ...at, line } : at;
}
