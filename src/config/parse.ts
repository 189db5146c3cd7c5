import type { ConfigResult } from "./config.ts";

/** Room for some 100,000 real servers. */
export const MAX_CONFIG_BYTES = 16 * 1024 * 1024;

/**
 * Reads a configuration file. Pure, and nothing is thrown: what is wrong with the text comes back as issues, all of
 * them at once, in the order of the file.
 */
export function parseConfig(text: string): ConfigResult {
  return { ok: false, issues: [{ line: 1, column: 1, path: "", message: `not written yet (${text.length})` }] };
}
