import type { Check } from "../model/health-check.ts";
import { CHECK_SCHEMA } from "./keys/check-schema.ts";
import type { ConfigIssue } from "./keys/config.ts";
import { table } from "./keys/table-type.ts";
import { checkSettings, resolveCheck } from "./resolve/resolve-check.ts";
import { parseTomlFile } from "./toml/toml-file.ts";

const CHECK_ALONE = table("the check", "A check by itself.", CHECK_SCHEMA);

/** Reads the keys of one `[service.check]` by themselves, as a command line gives them. Pure; nothing is thrown. */
export function parseCheckText(
  text: string,
): { readonly ok: true; readonly check: Check } | { readonly ok: false; readonly issues: readonly ConfigIssue[] } {
  const result = parseTomlFile(
    text,
    CHECK_ALONE,
    (keys) => resolveCheck(checkSettings(keys)),
    () => [],
  );
  return result.ok ? { ok: true, check: result.value } : result;
}
