/** The shapes of JSON that several commands print, as help and the man page show them. */

/** As `changeJson` in changes.ts makes them. */
const CHANGE_LIST = "changes: [{do, subject, detail, outcome, reason}]";

/** Of a command that changes something. */
export const CHANGES_JSON = `{version, dryRun, ${CHANGE_LIST}}; outcome is planned, done, unchanged, undone or failed`;

/** Of an order for real servers. */
export const ORDERS_JSON = `{version, dryRun, ${CHANGE_LIST}, warnings: [text]}; outcome as in other changes, or unsaved where a restart of the daemon would forget it (exit code 1)`;

/** Of a plan that may be refused. */
export const PLAN_JSON = `{version, dryRun, ${CHANGE_LIST}}; where a reload would be refused also outcome, text, findings and hint`;

/** Of a reload. */
export const RELOAD_JSON = `{version, dryRun, outcome, text, findings, warnings, hint, digest, unsaved, ${CHANGE_LIST}}; outcome is applied, unchanged or refused; findings are why it is refused, warnings what is not as it should be although it went through; digest is that of the file, 16 digits of its SHA-256`;

/** Of an operator's order to the daemon. */
export const RESULT_JSON =
  "{version, dryRun, result, unsaved}; unsaved says why a restart would forget it (exit code 1), and is absent as a rule";

/** Of one that works without a daemon as well. */
export const CHANGES_OR_RESULT_JSON = `{version, dryRun, ${CHANGE_LIST}}; with a daemon ${RESULT_JSON}`;
