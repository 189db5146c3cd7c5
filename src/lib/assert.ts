/** Programmer errors only: what a user, a file or the network can cause is an error value or a `TandemError`. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * Stops when something that the code itself guarantees does not hold.
 * @throws AssertionError with `message`.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the `default` of a switch over a union: the compiler refuses it while a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable case: ${JSON.stringify(value)}`);
}
