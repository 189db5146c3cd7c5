import { readFileSync } from "node:fs";
import { lookupIn, type NameLookup } from "../../import/words/name-lookup.ts";

/** Names of ports as this machine's services(5) has them. */
export function portNames(): NameLookup {
  try {
    return lookupIn(readFileSync("/etc/services", "utf8"));
  } catch {
    // A machine without the file knows no names.
    return lookupIn("");
  }
}
