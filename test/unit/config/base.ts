import type { ConfigIssue } from "../../../src/config/keys/config.ts";
import { parseConfig } from "../../../src/config/parse.ts";

/** A small valid file that the tests of this folder change. */
export const BASE = `[pair]
key_file = "/etc/tandem/pair.key"
interval = "200ms"
dead_after = "1s"

[pair.primary]
name = "lvs1"
public = "203.0.113.2"
private = "10.0.0.2"

[pair.backup]
name = "lvs2"
public = "203.0.113.3"
private = "10.0.0.3"

[[vip]]
address = "203.0.113.10/24"
interface = "eth0"

[[service]]
name = "web"
listen = "tcp://203.0.113.10:80"

[service.check]
kind = "tcp"

[[service.real]]
address = "10.0.0.11:80"

[[service.real]]
address = "10.0.0.12:80"
`;

/** Marks, in a changed text, where the issue is expected; it is taken out before parsing. */
const MARK = "«";

/** One replacement in the base file: the first occurrence of `from` by `to`. */
export type Edit = readonly [from: string, to: string];

/** The base file with these replacements, and the place that is marked in it. */
export function edited(edits: readonly Edit[]): {
  readonly text: string;
  readonly line: number;
  readonly column: number;
} {
  let text = BASE;
  for (const [from, to] of edits) {
    if (!text.includes(from)) throw new Error(`the base file has no ${JSON.stringify(from)}`);
    text = text.replace(from, () => to);
  }
  const before = text.slice(0, Math.max(0, text.indexOf(MARK))).split("\n");
  return { text: text.replace(MARK, ""), line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

/** The issues of a text; empty when it is valid. */
export function issuesOf(text: string): readonly ConfigIssue[] {
  const result = parseConfig(text);
  return result.ok ? [] : result.issues;
}
