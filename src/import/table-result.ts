import type { ConfigIssue } from "../config/config.ts";
import type { WantedService } from "../model/ipvs-table.ts";
import type { SavedSettings } from "./table-settings.ts";

/** What reading a saved IPVS table gives: the table with warnings, or every issue found. */
export type TableResult =
  | {
      readonly ok: true;
      readonly services: readonly WantedService[];
      /** What IPVS has once for all services; absent: the text says nothing of it. */
      readonly settings?: SavedSettings;
      readonly warnings: readonly ConfigIssue[];
    }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };
