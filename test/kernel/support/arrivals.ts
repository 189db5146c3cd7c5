/** What callbacks delivered so far, and a way to wait for more of it. */
export class Arrivals<T> {
  readonly values: T[] = [];
  #waiting: { readonly done: (value: T) => boolean; readonly resolve: (value: T) => void }[] = [];

  /** To be given as a callback. */
  readonly add = (value: T): void => {
    this.values.push(value);
    this.#waiting = this.#waiting.filter((wait) => {
      if (!wait.done(value)) return true;
      wait.resolve(value);
      return false;
    });
  };

  /** The first value, there already or to come, that fits. */
  async first(fits: (value: T) => boolean): Promise<T> {
    const there = this.values.find(fits);
    return there ?? (await new Promise<T>((resolve) => this.#waiting.push({ done: fits, resolve })));
  }
}
