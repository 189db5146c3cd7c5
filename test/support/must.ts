import type { Parsed } from "../../src/lib/parsed.ts";
import type { AddressPrefix } from "../../src/model/address.ts";
import { type Endpoint, parseAddressPrefix, parseEndpoint } from "../../src/model/address.ts";
import { parseServiceKey, type ServiceKey } from "../../src/model/virtual-service.ts";

function must<T>(result: Parsed<T>): T {
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}

/** `203.0.113.10/24`, for literals in tests. */
export function prefixOf(text: string): AddressPrefix {
  return must(parseAddressPrefix(text));
}

/** `10.0.0.11:80`, for literals in tests. */
export function endpointOf(text: string): Endpoint {
  return must(parseEndpoint(text));
}

/** `tcp://203.0.113.10:80`, for literals in tests. */
export function keyOf(text: string): ServiceKey {
  return must(parseServiceKey(text));
}
