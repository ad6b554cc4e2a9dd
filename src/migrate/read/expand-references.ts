/** `${NAME}` and `${NAME:-default}` in a `.env` file, filled in from what stands above as python-dotenv does. Pure. */
import type { Assignment } from "./dotenv-text.ts";

const reference = /\$\{([^{}:]*)(?::-([^}]*))?\}/g;
/** No program can be given a longer value in its environment (Linux: MAX_ARG_STRLEN). */
const longestValue = 131_072;
/** All that is filled in together: a short file must not grow without end. */
const largestSum = 128 * longestValue;

/** Fills in references in any quotes, as python-dotenv does. One to a name that is not above stays as it is and is noted: only the old environment knew it. */
export function expandReferences(assignments: readonly Assignment[]): readonly Assignment[] {
  const known = new Map<string, string>();
  let left = largestSum;
  return assignments.map((assignment) => {
    const refers = assignment.value.includes("${");
    const expanded = refers ? expandOne(assignment, known, left) : assignment;
    if (refers) left -= expanded.value.length;
    if (expanded.name !== undefined) known.set(expanded.name, expanded.value);
    return expanded;
  });
}

function expandOne(
  assignment: Assignment,
  known: ReadonlyMap<string, string>,
  left: number,
): Assignment {
  const notes = new Set<string>();
  const pieces: string[] = [];
  let length = 0;
  let index = 0;
  const { value } = assignment;
  for (const match of value.slice(0, value.lastIndexOf("}") + 1).matchAll(reference)) {
    const [whole, name = "", fallback] = match;
    const filled = known.get(name) ?? fallback;
    if (filled === undefined)
      notes.add("names in `${…}` what only the environment of the old program knew: it is kept.");
    pieces.push(value.slice(index, match.index), filled ?? whole);
    index = match.index + whole.length;
    length += (filled ?? whole).length;
    if (length > Math.min(longestValue, left)) return tooLong(assignment);
  }
  return { ...assignment, value: pieces.join("") + value.slice(index), notes: [...notes] };
}

function tooLong(assignment: Assignment): Assignment {
  const why = "grows beyond what a program can be given when `${…}` is filled in: it is kept.";
  return { ...assignment, notes: [why] };
}
