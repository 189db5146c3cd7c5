/** More would not be read in a sentence. */
const NAMED_MAX = 3;

/** `web, mail, dns and 3 more`: the first of the names, each once, and how many there are besides. */
export function firstNames(names: readonly string[]): string {
  const distinct = [...new Set(names)];
  const shown = distinct.slice(0, NAMED_MAX).join(", ");
  const more = distinct.length - NAMED_MAX;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
