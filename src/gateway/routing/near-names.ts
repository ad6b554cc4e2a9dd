/** Names that somebody may have meant. */

const mostNames = 3;
const longestCompared = 128;

/** The known names nearest to one that is unknown, at most three, nearest first; none when none is near. */
export function nearNames(name: string, known: readonly string[]): string[] {
  const asked = name.slice(0, longestCompared).toLowerCase();
  const near = [...new Set(known)]
    .map((candidate) => ({ candidate, distance: nearness(asked, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(2, asked.length / 3));
  return near
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, mostNames)
    .map(({ candidate }) => candidate);
}

/** A name that only lacks its beginning or its end is near, however long the rest. */
function nearness(asked: string, candidate: string): number {
  const shorter = Math.min(asked.length, candidate.length);
  if (shorter >= 3 && (candidate.startsWith(asked) || candidate.endsWith(asked))) return 1;
  return editDistance(asked, candidate.slice(0, longestCompared));
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
