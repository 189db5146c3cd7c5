import { expect, test } from "bun:test";
import { firstNames } from "../../../src/lib/first-names.ts";

test.each([
  [[], ""],
  [["web"], "web"],
  [["web", "mail", "dns"], "web, mail, dns"],
  [["web", "mail", "dns", "ftp", "ntp"], "web, mail, dns and 2 more"],
  [["web", "web", "mail", "dns", "dns"], "web, mail, dns"],
])("firstNames(%p)", (names, text) => expect(firstNames(names)).toBe(text));
