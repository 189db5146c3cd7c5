/** Numbers that nobody outside can guess, drawn from the seed in the state, so that a run can be repeated exactly. */
import { createHash } from "node:crypto";

/** 64 hexadecimal digits: the `index`-th draw of `seed`. */
export function drawHex(seed: string, index: number): string {
  return createHash("sha256").update(`${seed} ${index}`).digest("hex");
}
