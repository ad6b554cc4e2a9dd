/** Finds the word somebody probably meant. */

/** The candidate nearest to `word`, when it is near enough to be a slip of the hand; else undefined. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const reach = Math.max(1, Math.floor(word.length / 3));
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= reach && (!best || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Levenshtein's distance, counting a swap of two neighbours as one slip. */
export function editDistance(from: string, to: string): number {
  const rows = Array.from({ length: from.length + 1 }, (_, row) => [
    row,
    ...Array<number>(to.length).fill(0),
  ]);
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Math.max(row, column);
  rows[0] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1] ? 0 : 1;
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const steps = [
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + same,
      ];
      if (row > 1 && column > 1 && swapped) steps.push(at(row - 2, column - 2) + 1);
      (rows[row] ?? [])[column] = Math.min(...steps);
    }
  }
  return at(from.length, to.length);
}
