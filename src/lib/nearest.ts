/** Longer words are not compared: the table below grows with the product of the lengths. */
const MAX_WORD_LENGTH = 64;

/** Edits between two words: a letter added, dropped or changed, or two neighbours swapped (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + change);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/**
 * The candidate that a mistyped word most likely stands for, or undefined when none is near: at most one edit for each
 * three letters. Case, `-` and `_` make no difference. The first of equally near ones wins.
 */
export function nearest<const T extends string>(word: string, candidates: readonly T[]): T | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll("-", "_");
  if (word.length === 0 || word.length > MAX_WORD_LENGTH) return undefined;
  let best: T | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(plain(word), plain(candidate));
    const allowed = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (distance <= allowed && distance < bestDistance && distance < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
