/** The soonest of many deadlines that lie after a moment; what was due up to then has been judged. */
export class Soonest {
  readonly #afterMs: number;
  #atMs = Infinity;

  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  /** Infinity while none was added. */
  get atMs(): number {
    return this.#atMs;
  }

  /** Takes a deadline into account; undefined is none. */
  add(atMs: number | undefined): void {
    if (atMs !== undefined && atMs > this.#afterMs && atMs < this.#atMs) this.#atMs = atMs;
  }
}
