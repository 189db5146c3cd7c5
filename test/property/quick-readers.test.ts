import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ConfigIssue } from "../../src/config/keys/config.ts";
import { parseIpvsadm } from "../../src/import/ipvsadm/ipvsadm.ts";
import { formatIpvsadm } from "../../src/import/ipvsadm/ipvsadm-format.ts";
import { readIpvsadm } from "../../src/import/ipvsadm/ipvsadm-reader.ts";
import { NEEDS_READER } from "../../src/import/table/quick-table.ts";
import { readQuickToml } from "../../src/import/table/quick-toml.ts";
import type { TableResult } from "../../src/import/table/table-result.ts";
import { formatTable, parseTable } from "../../src/import/table/table-toml.ts";
import { type TableRows, wantedTable } from "../../src/model/server-rows.ts";
import type { VirtualService } from "../../src/model/virtual-service.ts";
import { anyTable } from "../support/table-arbitrary.ts";

/**
 * The quick reader of TOML gives what the whole one gives, or nothing. The reader of ipvsadm's lines gives the same whether
 * it takes a line apart itself, has the reader of single lines read it, or has taken the table apart.
 */

const SERVICE: VirtualService = {
  key: { kind: "address", protocol: "tcp", address: { family: "inet", text: "10.1.0.1" }, port: 80 },
  scheduler: "wlc",
  schedulerFlags: [],
  onePacket: false,
};

function asResult(table: TableRows<VirtualService>): TableResult {
  return { ok: true, services: wantedTable(table), warnings: [] };
}

function quickToml(text: string, parse = parseTable): TableResult | undefined {
  const result = readQuickToml(new TextEncoder().encode(text), parse);
  if (result === undefined || result === NEEDS_READER) return undefined;
  const { settings } = result;
  return { ...asResult(result.table), ...(settings === undefined ? {} : { settings }) } as TableResult;
}

function shifted(issues: readonly ConfigIssue[], lines: number, columns: number): ConfigIssue[] {
  return issues.map((issue) => ({
    ...issue,
    line: issue.line - lines,
    ...(issue.column === undefined ? {} : { column: issue.column - columns }),
  }));
}

/** Reads the text behind something that moves its places, and moves them back. */
function readMoved(text: string, lines: number, columns: number): TableResult {
  const result = parseIpvsadm(text);
  if (!result.ok) return { ok: false, issues: shifted(result.issues, lines, columns) };
  return { ...result, warnings: shifted(result.warnings, lines, columns) };
}

/** A blank before each line: none is as `ipvsadm -Sn` prints it. */
function eachByItself(text: string): TableResult {
  const lines = text.split("\n").map((line) => ` ${line}`);
  return readMoved(lines.join("\n"), 0, 1);
}

/** After a `-C` that finds something, which takes the table apart. */
function takenApart(text: string): TableResult {
  return readMoved(`-A -t 198.51.100.9:9 -s rr\n-C\n${text}`, 2, 0);
}

/** Without the reader of single lines. */
function quickIpvsadm(text: string): TableResult | undefined {
  const result = readIpvsadm(new TextEncoder().encode(text));
  return result === NEEDS_READER ? undefined : asResult(result.finish());
}

const READERS = [
  { name: "TOML", read: quickToml, whole: [parseTable], format: formatTable },
  { name: "ipvsadm's lines", read: parseIpvsadm, whole: [eachByItself, takenApart], format: formatIpvsadm },
] as const;

/** What an editor, or a disk, may have done to a text: pieces cut out, repeated, moved, and words put in. */
const WORDS = [
  "\n",
  " ",
  "  ",
  "\r\n",
  "\t",
  '"',
  "[[service]]\n",
  "[[service.real]]\n",
  "[service.persistence]\n",
  "[pair]\n",
  "[service.real.tunnel]\n",
  'type = "gue"\n',
  "weight = 3\n",
  "weight = 03\n",
  "weight=+1\n",
  'forward = "tunnel"\n',
  'address = "10.0.0.1:80"\n',
  'listen = "tcp://10.0.0.1:80"\n',
  'listen = "tcp://0.0.0.1:80"\n',
  "# x\n",
  "one_packet = true\n",
  "upper_threshold = 2147483648\n",
  "lower_threshold = 9\n",
  "-A -t 10.0.0.1:80 -s rr\n",
  "-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -w 1\n",
  " -w 2",
  " -x 5",
  " -x 2147483648",
  " -y 9",
  " -m",
  " -i",
  " --tun-type ipip",
  " --tun-type gue --tun-port 5",
  "-C\n",
  "--set 1 2 3\n",
  ":0",
  ":65536",
  "255",
  "256",
  "0",
  "9999999999",
  "é",
  "\0",
  "'",
  "\\",
  "=",
  "127.0.0.1",
  "[fe80::1]",
  "[2001:db8::1]",
  "[2001:DB8::1]",
];

const damage = fc.array(
  fc.record({
    at: fc.nat(2_000),
    length: fc.oneof(fc.constant(0), fc.nat(60)),
    word: fc.oneof(fc.constantFrom(...WORDS), fc.constant("")),
    from: fc.nat(2_000),
    copied: fc.oneof(fc.constant(0), fc.nat(80)),
  }),
  { maxLength: 3 },
);

function damaged(
  text: string,
  damages: readonly { at: number; length: number; word: string; from: number; copied: number }[],
) {
  return damages.reduce((current, { at, length, word, from, copied }) => {
    const place = current.length === 0 ? 0 : at % (current.length + 1);
    const piece = current.slice(from % (current.length + 1)).slice(0, copied);
    return `${current.slice(0, place)}${word}${piece}${current.slice(place + length)}`;
  }, text);
}

describe.each(READERS)("the reader of $name", ({ read, whole, format }) => {
  test("gives what the whole ways give, or nothing, for tables that somebody changed", () => {
    fc.assert(
      fc.property(anyTable, damage, (table, damages) => {
        const text = damaged(format(table), damages);
        const result = read(text);
        if (result !== undefined) for (const readWhole of whole) expect(result).toEqual(readWhole(text));
      }),
      { numRuns: 1_000 },
    );
  });

  const quick = read === parseIpvsadm ? quickIpvsadm : quickToml;

  test("reads a table of ordinary services by itself", () => {
    const ordinary = anyTable.map((table) =>
      table.flatMap(({ service, servers }) => {
        const { key } = service;
        if (key.kind === "fwmark" || key.port === 0) return [];
        if (key.address.family === "inet6" && !/^[23]/.test(key.address.text)) return [];
        const plain = servers.filter(
          ({ tunnel, endpoint: { address, port } }) => tunnel === undefined && port !== 0 && address.family === "inet",
        );
        return [{ service: { key, scheduler: "wlc", schedulerFlags: [], onePacket: false }, servers: plain }];
      }),
    );
    fc.assert(
      fc.property(ordinary, (table) => {
        expect(quick(format(table))).toEqual({ ok: true, services: table, warnings: [] });
      }),
      { numRuns: 500 },
    );
  });
});

/** So few addresses and ports that some are there twice, in any order. */
const crowded = fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 80, max: 82 }), fc.nat(2)), { maxLength: 12 });

test("the quick readers refuse a server that is there twice, and read all others", () => {
  fc.assert(
    fc.property(crowded, crowded, fc.constantFrom("nat", "direct"), (one, other, forward) => {
      const servers = (pieces: typeof one) =>
        pieces.map(([last, port, weight]) => ({ end: `${last}:${port}`, weight }));
      const isTwice = [one, other].some((pieces) => {
        const ends = servers(pieces).map(({ end }) => (forward === "direct" ? end.replace(/:.*/, "") : end));
        return new Set(ends).size < ends.length;
      });
      const lines = [one, other].flatMap((pieces, index) => {
        const key = `-t 10.1.0.${index + 1}:80`;
        const letter = forward === "nat" ? "-m" : "-g";
        const rest = servers(pieces).map(({ end, weight }) => `-a ${key} -r 10.0.0.${end} ${letter} -w ${weight}`);
        return [`-A ${key} -s wlc`, ...rest];
      });
      const text = `${lines.join("\n")}\n`;
      const quick = quickIpvsadm(text);
      expect(quick === undefined).toBe(isTwice);
      const read = parseIpvsadm(text);
      expect(read.ok).toBe(!isTwice);
      expect(read).toEqual(takenApart(text));
      if (quick !== undefined) expect(read).toEqual(quick);
      const tables = [one, other].flatMap((pieces, index) => {
        const head = `[[service]]\nlisten    = "tcp://10.1.0.${index + 1}:80"\nscheduler = "wlc"\n`;
        const rest = servers(pieces).map(
          ({ end, weight }) =>
            `[[service.real]]\naddress = "10.0.0.${end}"\nweight  = ${weight}\nforward = "${forward}"\n`,
        );
        return [head, ...rest];
      });
      const toml = tables.join("\n");
      const result = quickToml(toml);
      if (forward === "nat") expect(result === undefined).toBe(isTwice);
      if (result !== undefined) expect(result).toEqual(parseTable(toml));
    }),
    { numRuns: 500 },
  );
});

test("the quick reader of TOML hands what stands above the services to the whole one", () => {
  const text = '[timeouts]\ntcp = "15m"\n\n[[service]]\nlisten = "tcp://10.0.0.1:80"\nscheduler = "rr"\n';
  expect(readQuickToml(new TextEncoder().encode(text))).toBe(NEEDS_READER);
  expect(quickToml(text)).toEqual(parseTable(text));
});

test("a line that ipvsadm would print otherwise is the only one that is read by itself", () => {
  const lines = ["-A -t 10.1.0.1:80  -s wlc", "-a -t 10.1.0.1:80 -r 10.0.0.1:80 -m -w 1"];
  for (let index = 2; index < 200; index += 1) lines.push(`-a -t 10.1.0.1:80 -r 10.0.0.${index}:80 -m -w 1`);
  lines[100] = lines[100]?.replace(" -m", "  -m") ?? "";
  const read: string[] = [];
  readIpvsadm(new TextEncoder().encode(lines.join("\n")), {
    read(line, number, table) {
      read.push(`${number} ${line}`);
      if (number === 1) table.addService(SERVICE);
    },
    service: () => undefined,
    keyWords: () => "-t 10.1.0.1:80",
    takesAll: false,
    isFull: false,
  });
  expect(read).toEqual([`1 ${lines[0]}`, `101 ${lines[100]}`]);
});

test("a service that save would write otherwise is the only one that the whole reader of TOML reads", () => {
  const services = Array.from({ length: 20 }, (_, index) => {
    const server = `[[service.real]]\naddress = "10.0.0.${index + 1}:80"\nweight  = 1\nforward = "nat"\n`;
    return `[[service]]\nlisten    = "tcp://10.1.0.${index + 1}:80"\nscheduler = "wlc"\n\n${server}\n`;
  });
  services[7] = services[7]?.replace("weight  = 1", "weight  = 1 # half of the others") ?? "";
  const text = services.join("");
  const parsed: string[] = [];
  const read = quickToml(text, (part) => {
    parsed.push(part);
    return parseTable(part);
  });
  expect(parsed).toEqual([services[7] ?? ""]);
  expect(read).toEqual(parseTable(text));
});

test("what stands between the services is not lost: settings, a pair, mistakes", () => {
  const service = (end: number): string =>
    `[[service]]\nlisten = "tcp://10.1.0.${end}:80"\nscheduler = "wlc"\n[[service.real]]\naddress = "10.0.0.1:80"\n`;
  for (const part of ['[timeouts]\ntcp = "15m"\n', '[pair]\nname = "a"\n', "[[service.real]]\n", "[service]\n"]) {
    const text = `${service(1)}${part}${service(2)}`;
    expect(quickToml(text)).toBeUndefined();
  }
});

test("servers whose headers are indented are read", () => {
  const text =
    '[[service]]\nlisten = "tcp://10.1.0.1:80"\nscheduler = "wlc"\n\n  [[service.real]]\n  address = "10.0.0.1:80"\n';
  const table = quickToml(text);
  expect(table).toEqual(parseTable(text));
  expect(table?.ok === true ? table.services[0]?.servers.length : 0).toBe(1);
});
