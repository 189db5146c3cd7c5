import type { ConfigIssue } from "../config/keys/config.ts";
import type { ForeignResult } from "./foreign/foreign-model.ts";
import { formatForeign } from "./foreign/foreign-toml.ts";
import { formatServicePart } from "./foreign/service-part.ts";
import { parseIpvsadm } from "./ipvsadm/ipvsadm.ts";
import { parseKeepalived } from "./keepalived/keepalived.ts";
import { parseLdirectord } from "./ldirectord/ldirectord.ts";
import { parsePiranha } from "./piranha/piranha.ts";
import type { NameLookup } from "./words/name-lookup.ts";

/** Other products' files as the text of a configuration of ours. */

export const FOREIGN_FORMATS = ["ipvsadm", "keepalived", "ldirectord", "piranha"] as const;
export type ForeignFormat = (typeof FOREIGN_FORMATS)[number];

export type ImportResult =
  | { readonly ok: true; readonly config: string; readonly warnings: readonly ConfigIssue[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** As much as a configuration of ours may have. */
const MAX_TEXT_LENGTH = 16 * 1024 * 1024;

/** A line of `ipvsadm -S`, with or without the program before it: `-A -t …`, `--add-service …`. */
const IPVSADM_LINE = /^\s*(?:\S*ipvsadm\s+)?--?[A-Za-z]/m;
const ONLY_COMMENTS = /^(?:[^\S\n]*(?:#[^\n]*)?(?:\n|$))*$/;

/** Whose file a text is; undefined: none of those that can be read. An empty one is the saved table without services. */
export function foreignFormatOf(text: string): ForeignFormat | undefined {
  if (/^\s*(virtual_server|vrrp_instance|global_defs|virtual_server_group)\b/m.test(text)) return "keepalived";
  if (/^virtual6?\s*=/m.test(text)) return "ldirectord";
  if (/^\s*(virtual|failover|server)\s+\S+\s*\{/m.test(text) || /^\s*serial_no\s+=/m.test(text)) return "piranha";
  return IPVSADM_LINE.test(text) || ONLY_COMMENTS.test(text) ? "ipvsadm" : undefined;
}

function written(result: ForeignResult): ImportResult {
  return result.ok ? { ok: true, config: formatForeign(result.config), warnings: result.warnings } : result;
}

/** Reads a text of one of the formats. Pure; every mistake is told, none throws. */
export function importForeign(text: string, format: ForeignFormat, lookup: NameLookup): ImportResult {
  if (text.length > MAX_TEXT_LENGTH) {
    const message = `the text has ${text.length} characters; the limit is ${MAX_TEXT_LENGTH}`;
    return { ok: false, issues: [{ line: 1, column: 1, path: "", message }] };
  }
  switch (format) {
    case "keepalived":
      return written(parseKeepalived(text));
    case "ldirectord":
      return written(parseLdirectord(text, lookup));
    case "piranha":
      return written(parsePiranha(text, lookup));
    case "ipvsadm": {
      const result = parseIpvsadm(text, lookup);
      return result.ok ? { ok: true, config: formatServicePart(result.services), warnings: result.warnings } : result;
    }
  }
}
