import type { CheckKind } from "../../model/health-check.ts";
import type { CHECK_SCHEMA } from "./check-schema.ts";
import type { Fields, Table } from "./table-type.ts";

export type CheckTable = Table<typeof CHECK_SCHEMA>;
export type CheckFields = Fields<typeof CHECK_SCHEMA>;

/** What a table says about a check, with what it inherits; nothing is said of the rest. */
export interface CheckSettings {
  readonly kind: CheckKind;
  readonly fields: CheckFields;
}
