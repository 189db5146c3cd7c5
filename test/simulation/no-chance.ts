/** No chance: every delay is the same part of what it may be; seeds differ by their number only. */
import { Random } from "./random.ts";

export class NoChance extends Random {
  readonly #part: number;
  #drawn: number;

  /**
   * @param part of each delay, from 0 to below 1: the mean one unless said otherwise.
   * @param drawn how many seeds have been drawn before.
   */
  constructor(part = 0.5, drawn = 0) {
    super(0);
    this.#part = part;
    this.#drawn = drawn;
  }

  get drawn(): number {
    return this.#drawn;
  }

  override next(): number {
    return this.#part;
  }

  override hex(digits: number): string {
    this.#drawn += 1;
    return this.#drawn.toString(16).padStart(digits, "0");
  }
}
