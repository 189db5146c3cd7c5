/** No chance: every delay is the same part of what it may be; seeds differ by their number only. */
import { Random } from "./random.ts";

export class NoChance extends Random {
  readonly #part: number;
  #seeds = 0;

  /** @param part of each delay, from 0 to below 1: the mean one unless said otherwise. */
  constructor(part = 0.5) {
    super(0);
    this.#part = part;
  }

  override next(): number {
    return this.#part;
  }

  override hex(digits: number): string {
    this.#seeds += 1;
    return this.#seeds.toString(16).padStart(digits, "0");
  }
}
