/** What came of a reload, for whoever asked for it and for the status. */
export interface ReloadResult {
  readonly outcome: "applied" | "unchanged" | "refused";
  /** A sentence: what is in force now, or why nothing has changed. */
  readonly text: string;
  /** One line for each mistake of the file or of this machine; empty as a rule. */
  readonly findings: readonly string[];
  /** What is not as it should be although it went through, a sentence each; absent: nothing that is known. */
  readonly warnings?: readonly string[];
  /** What to do about it. */
  readonly hint?: string;
  /** Of the file that was read; absent where it could not be read. */
  readonly digest?: string;
  /** How many things changed. */
  readonly changes: number;
  /** Why a restart may not know of it; absent: it does. */
  readonly unsaved?: string;
  readonly exitCode: 0 | 1 | 2;
}

/** The last one, as the status tells it. */
export interface ReloadStatus {
  readonly outcome: ReloadResult["outcome"];
  readonly by: ReloadCause;
  readonly at: string;
  readonly agoMs: number;
  readonly text: string;
  readonly findings: readonly string[];
  /** Of the file that was read then; null: it could not be read. */
  readonly digest: string | null;
  /** Of the configuration that is in force. */
  readonly appliedDigest: string;
}

/** What a reload began with. */
export type ReloadCause = "start" | "signal" | "operator";

export function refused(facts: {
  readonly text: string;
  readonly findings?: readonly string[];
  readonly hint?: string;
  readonly digest?: string;
  readonly exitCode?: 1 | 2;
}): ReloadResult {
  const { exitCode = 2, findings = [], ...rest } = facts;
  return { ...rest, outcome: "refused", findings, changes: 0, exitCode };
}
