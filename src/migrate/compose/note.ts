/** What became of a Compose project where its stack is not simply the same. */
import { formatPath, type Path } from "../../stack/problem.ts";
import { placeOf, type Source } from "../../stack/source.ts";

/** Left out: the stack lacks it. Changed: the stack does it in another way. Decide: nobody but the user can know. */
export type NoteKind = "left-out" | "changed" | "decide";

/** One thing to know, with the place that it is about; never holds a value that could be a secret. */
export type Note = Readonly<{
  kind: NoteKind;
  file: string;
  line: number;
  /** What it is about, in the words of the Compose file: `services.web.privileged`. */
  path: string;
  message: string;
}>;

/** A note on what stands at a path of a file. */
export function noteAt(
  { source, at }: Readonly<{ source: Source; at: Path }>,
  kind: NoteKind,
  message: string,
): Note {
  const { file, line } = placeOf(source, at);
  return { kind, file, line, path: formatPath(at), message };
}
