/**
 * What reading a text gives: the value, or what is wrong with it.
 * `problem` is a clause without a full stop that names the text, such as
 * `"10.0.0" is not an IPv4 or IPv6 address`; the caller puts the place before it.
 */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** Wraps a value that was read. */
export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** Says why a text was not read. */
export function problem(text: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: text };
}
