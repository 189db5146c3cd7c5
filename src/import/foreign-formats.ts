/** Other products' files as the text of a configuration of ours. */
import type { ConfigIssue } from "../config/keys/config.ts";
import type { ForeignResult } from "./foreign/foreign-model.ts";
import { formatForeign } from "./foreign/foreign-toml.ts";
import { formatServicePart } from "./foreign/service-part.ts";
import { parseIpvsadm } from "./ipvsadm/ipvsadm.ts";
import { parseKeepalived } from "./keepalived/keepalived.ts";
import { parseLdirectord } from "./ldirectord/ldirectord.ts";
import { parsePiranha } from "./piranha/piranha.ts";
import { FOREIGN_FORMATS, type ForeignFormat } from "./words/import-formats.ts";
import type { NameLookup } from "./words/name-lookup.ts";

export type ImportResult =
  | { readonly ok: true; readonly config: string; readonly warnings: readonly ConfigIssue[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** As much as a configuration of ours may have. */
const MAX_TEXT_LENGTH = 16 * 1024 * 1024;

/** A line of `ipvsadm -S`, with or without the program before it: `-A -t …`, `--add-service …`. */
const IPVSADM_LINE = /^\s*(?:\S*ipvsadm\s+)?--?[A-Za-z]/m;
const ONLY_COMMENTS = /^(?:[^\S\n]*(?:#[^\n]*)?(?:\n|$))*$/;

/** What there is to know of a format. */
interface Importer {
  /** Whether a text is of this format, as far as can be seen without reading it. */
  readonly looksLike: (text: string) => boolean;
  readonly read: (text: string, lookup: NameLookup) => ImportResult;
}

const IMPORTERS: Readonly<Record<ForeignFormat, Importer>> = {
  ipvsadm: {
    // An empty text is the saved table without services.
    looksLike: (text) => IPVSADM_LINE.test(text) || ONLY_COMMENTS.test(text),
    read: (text, lookup) => {
      const result = parseIpvsadm(text, lookup);
      return result.ok ? { ok: true, config: formatServicePart(result.services), warnings: result.warnings } : result;
    },
  },
  keepalived: {
    looksLike: (text) => /^\s*(virtual_server|vrrp_instance|global_defs|virtual_server_group)\b/m.test(text),
    read: (text) => written(parseKeepalived(text)),
  },
  ldirectord: {
    looksLike: (text) => /^virtual6?\s*=/m.test(text),
    read: (text, lookup) => written(parseLdirectord(text, lookup)),
  },
  piranha: {
    looksLike: (text) => /^\s*(virtual|failover|server)\s+\S+\s*\{/m.test(text) || /^\s*serial_no\s+=/m.test(text),
    read: (text, lookup) => written(parsePiranha(text, lookup)),
  },
};

/** The files of the others may have lines that begin with a dash as well, so it is tried after them. */
const TRIED_LAST: ForeignFormat = "ipvsadm";
const TRIED = [...FOREIGN_FORMATS.filter((format) => format !== TRIED_LAST), TRIED_LAST];

/** Whose file a text is; undefined: none of those that can be read. */
export function foreignFormatOf(text: string): ForeignFormat | undefined {
  return TRIED.find((format) => IMPORTERS[format].looksLike(text));
}

function written(result: ForeignResult): ImportResult {
  return result.ok ? { ok: true, config: formatForeign(result.config), warnings: result.warnings } : result;
}

/** Reads a text of one of the formats. Pure; every mistake is reported, none throws. */
export function importForeign(text: string, format: ForeignFormat, lookup: NameLookup): ImportResult {
  if (text.length > MAX_TEXT_LENGTH) {
    const message = `the text has ${text.length} characters; the limit is ${MAX_TEXT_LENGTH}`;
    return { ok: false, issues: [{ line: 1, column: 1, path: "", message }] };
  }
  return IMPORTERS[format].read(text, lookup);
}
