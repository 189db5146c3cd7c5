import { UsageError } from "../lib/errors.ts";
import { formatIssuePlace, formatIssues } from "./format-issues.ts";
import type { ConfigIssue } from "./keys/config.ts";

/** A configuration file with mistakes: all of them, each with its place. */
export class ConfigFileError extends UsageError {
  override readonly name = "ConfigFileError";
  readonly issues: readonly ConfigIssue[];
  /** The issues as a compiler prints them, each with its line. */
  readonly listing: string;
  /** One line for each, with its place. */
  readonly lines: readonly string[];

  /**
   * @param what what the file should be: a configuration or a table.
   * @param reason why it can't be used, where the file itself may be without a mistake
   */
  constructor(
    path: string,
    text: string,
    issues: readonly ConfigIssue[],
    what = "configuration",
    reason = `it has ${issues.length === 1 ? "one mistake" : `${issues.length} mistakes`}`,
  ) {
    super({ operation: `use the ${what}`, subject: path, reason });
    this.issues = issues;
    this.listing = formatIssues(text, path, issues).trimEnd();
    this.lines = issues.map((issue) => `${formatIssuePlace(path, issue)}: ${issue.message}`);
  }
}
