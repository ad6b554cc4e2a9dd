/** Environment files of the old installation, read as the program behind each read them: python-dotenv or systemd. Pure. */
import type { Found, NotUnderstood, Place, Reading } from "../reading.ts";
import { type Assignment, readDotenv } from "./dotenv-text.ts";
import { expandReferences } from "./expand-references.ts";
import { readSystemdEnvironment } from "./systemd-environment.ts";
import { lineAt, readText } from "./text.ts";

/** Reads an environment file: of several assignments of a name the last one counts, as in both programs, and the others are noted. Dotenv fills in `${NAME}` from above in the same file; systemd does not. */
export function readEnvFile(
  bytes: Buffer,
  at: Place,
  dialect: "dotenv" | "systemd",
): Reading<ReadonlyMap<string, Found<string>>> {
  const { found: text, notUnderstood } = readText(bytes, at);
  const read = dialect === "dotenv" ? readDotenv(text) : readSystemdEnvironment(text);
  const found = new Map<string, Found<string>>();
  const notes: NotUnderstood[] = [...notUnderstood];
  for (const assignment of dialect === "dotenv" ? expandReferences(read) : read) {
    const place = lineAt(at, assignment.line);
    for (const why of assignment.notes)
      notes.push({ at: place, what: assignment.name ?? `line ${assignment.line}`, why });
    if (assignment.name === undefined) continue;
    const before = found.get(assignment.name);
    if (before !== undefined) notes.push(repeated(before.at, assignment));
    found.set(assignment.name, { value: assignment.value, at: place });
  }
  return { found, notUnderstood: notes };
}

function repeated(at: Place, { name = "", line }: Assignment): NotUnderstood {
  return { at, what: name, why: `is set again on line ${line}: the last one counts.` };
}
