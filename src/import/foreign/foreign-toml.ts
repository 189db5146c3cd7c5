/** The configuration as TOML, in the order of our own example. */
import { isDeepStrictEqual } from "node:util";
import type { ForeignConfig, ForeignServer, ForeignService, ForeignTable, ForeignValue } from "./foreign-model.ts";

/** JSON's escapes are those of TOML's basic strings; DEL alone has to be escaped as well (TOML 1.0). */
function valueText(value: ForeignValue): string {
  if (typeof value === "string") return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return `[${value.map(valueText).join(", ")}]`;
}

function tableText(header: string, table: ForeignTable): string[] {
  const pairs = Object.entries(table).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  if (pairs.length === 0) return [];
  const width = Math.max(...pairs.map(([key]) => key.length));
  return [header, ...pairs.map(([key, value]) => `${key.padEnd(width)} = ${valueText(value)}`), ""];
}

/** The checks that all servers share; undefined where they differ. */
function sharedChecks(servers: readonly ForeignServer[]): readonly ForeignTable[] | undefined {
  const [first, ...others] = servers;
  if (first === undefined) return [];
  return others.every(({ checks }) => isDeepStrictEqual(checks, first.checks)) ? first.checks : undefined;
}

function checksText(header: string, checks: readonly ForeignTable[]): string[] {
  return checks.flatMap((check) => tableText(header, check));
}

function serviceText({ keys, tunnel, persistence, servers }: ForeignService): string[] {
  const shared = sharedChecks(servers);
  // Without a word of ours a TCP service would be checked by connecting, which the other product does not do.
  const unchecked = shared !== undefined && shared.length === 0;
  return [
    ...tableText("[[service]]", { ...keys, ...(unchecked ? { check: false } : {}) }),
    ...tableText("[service.tunnel]", tunnel ?? {}),
    ...tableText("[service.persistence]", persistence ?? {}),
    ...checksText("[[service.check]]", shared ?? []),
    ...servers.flatMap((server) => [
      ...tableText("[[service.real]]", {
        ...server.keys,
        ...(shared === undefined && server.checks.length === 0 ? { check: false } : {}),
      }),
      ...(shared === undefined ? checksText("[[service.real.check]]", server.checks) : []),
    ]),
  ];
}

/** Ends with a newline; empty for a configuration that says nothing. */
export function formatForeign(config: ForeignConfig): string {
  const hasPair = Object.keys(config.pair).length + Object.keys(config.primary).length > 0;
  const lines = [
    ...(hasPair ? tableText("[pair]", { key_file: "/etc/tandem/pair.key", ...config.pair }) : []),
    ...tableText("[pair.primary]", config.primary),
    ...tableText("[pair.backup]", config.backup),
    ...config.vips.flatMap((vip) => tableText("[[vip]]", vip)),
    ...config.services.flatMap(serviceText),
    ...config.gates.flatMap((gate) => tableText("[[gate]]", gate)),
    ...tableText("[sync]", config.sync),
    ...tableText("[timeouts]", config.timeouts),
    ...tableText("[hooks]", config.hooks),
  ];
  return lines
    .map((line) => `${line}\n`)
    .join("")
    .replace(/\n\n$/, "\n");
}
