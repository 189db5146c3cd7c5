import type { ConfigIssue } from "../config/config.ts";
import type { WantedService } from "../model/ipvs-table.ts";

/** What reading a saved IPVS table gives: the table with warnings, or every issue found. */
export type TableResult =
  | { readonly ok: true; readonly services: readonly WantedService[]; readonly warnings: readonly ConfigIssue[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };
