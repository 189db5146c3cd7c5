import { assert } from "../lib/assert.ts";
import { type Parsed, parsed, problem } from "../lib/parsed.ts";

/** A MAC address in its canonical text, six pairs of lower-case hexadecimal digits: `02:00:5e:10:00:01`. */
export type MacAddress = string & { readonly __brand: "MacAddress" };

export function parseMacAddress(text: string): Parsed<MacAddress> {
  return /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)
    ? parsed(text.toLowerCase() as MacAddress)
    : problem(`${JSON.stringify(text)} is not a MAC address`);
}

export function macFromBytes(bytes: Uint8Array): MacAddress {
  assert(bytes.length === 6, `a MAC address has 6 bytes, not ${bytes.length}`);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":") as MacAddress;
}

export function macBytes(mac: MacAddress): Uint8Array {
  return Uint8Array.from(mac.split(":"), (pair) => Number.parseInt(pair, 16));
}
