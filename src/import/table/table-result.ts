import type { ConfigIssue } from "../../config/keys/config.ts";
import type { WantedService } from "../../model/ipvs-table.ts";
import type { TableRows } from "../../model/server-rows.ts";
import type { VirtualService } from "../../model/virtual-service.ts";
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

/** A saved table that was read, as rows: the form in which it is restored. */
export interface ReadTable {
  readonly table: TableRows<VirtualService>;
  /** What IPVS has once for all services; absent: the text says nothing of it. */
  readonly settings?: SavedSettings;
}

/** What reading gives: the table as rows with warnings, or every issue found. */
export type RowsResult =
  | (ReadTable & { readonly ok: true; readonly warnings: readonly ConfigIssue[] })
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };
