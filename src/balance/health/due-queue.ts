/** A binary heap of keys by the time at which they are due, so that ten thousand probes cost no sorting. */
export class DueQueue {
  readonly #entries: { readonly dueMs: number; readonly key: string }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The earliest entry. */
  peek(): { readonly dueMs: number; readonly key: string } | undefined {
    return this.#entries[0];
  }

  push(dueMs: number, key: string): void {
    const entries = this.#entries;
    let index = entries.length;
    const entry = { dueMs, key };
    entries.push(entry);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = entries[parentIndex];
      if (parent === undefined || parent.dueMs <= dueMs) break;
      entries[index] = parent;
      entries[parentIndex] = entry;
      index = parentIndex;
    }
  }

  pop(): { readonly dueMs: number; readonly key: string } | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return first;
    let index = 0;
    entries[0] = last;
    for (;;) {
      const left = 2 * index + 1;
      const child = this.#earlier(left, left + 1);
      const below = entries[child];
      if (below === undefined || below.dueMs >= last.dueMs) break;
      entries[index] = below;
      entries[child] = last;
      index = child;
    }
    return first;
  }

  #earlier(left: number, right: number): number {
    const a = this.#entries[left];
    const b = this.#entries[right];
    return b !== undefined && a !== undefined && b.dueMs < a.dueMs ? right : left;
  }
}
