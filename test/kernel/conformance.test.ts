/** Both ways over random tables: what tandem sets, ipvsadm prints; what ipvsadm sets, tandem reads, saves and plans. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { planService } from "../../src/balance/table/table-plan.ts";
import { parseIpvsadm } from "../../src/import/ipvsadm/ipvsadm.ts";
import { formatIpvsadm } from "../../src/import/ipvsadm/ipvsadm-format.ts";
import { formatTable, parseTable } from "../../src/import/table/table-toml.ts";
import { IpvsClient } from "../../src/kernel/ipvs/ipvs-client.ts";
import type { IpvsChange, ObservedService, WantedService } from "../../src/model/ipvs-table.ts";
import { realServerKey } from "../../src/model/real-server.ts";
import { formatServiceKey } from "../../src/model/virtual-service.ts";
import { requireLab, run } from "../support/lab.ts";
import { anyTable } from "../support/table-arbitrary.ts";

const RUNS = { numRuns: 40, endOnFailure: true };

beforeAll(requireLab);

/** Without what this kernel has no module for. */
const tables = anyTable.map((services) =>
  services.filter(({ service }) => !["my-scheduler", "twos"].includes(service.scheduler)),
);

/** ipvsadm 1.31 prints neither thresholds nor a third flag of sh and mh; those are looked at by themselves. */
function asIpvsadmPrints({ service, servers }: WantedService): WantedService {
  const named = service.scheduler === "sh" || service.scheduler === "mh";
  const schedulerFlags = named ? service.schedulerFlags.filter((flag) => flag !== "flag-3") : service.schedulerFlags;
  return {
    service: { ...service, schedulerFlags },
    servers: servers.map((server) => ({ ...server, upperThreshold: 0, lowerThreshold: 0 })),
  };
}

/** A table whatever its order. */
function lines(table: readonly WantedService[]): string[] {
  return formatIpvsadm(table).split("\n").toSorted();
}

function plain(table: readonly ObservedService[]): WantedService[] {
  return table.map(({ service, servers }) => ({ service, servers: servers.map(({ server }) => server) }));
}

/** Each threshold that ipvsadm lists: `10.0.0.1:80 9 5`. */
function listedThresholds(): string[] {
  return run("ipvsadm", "-Ln", "--thresholds")
    .split("\n")
    .flatMap((line) => {
      const match = /^ {2}-> (\S+)\s+(\d+)\s+(\d+)/.exec(line);
      return match === null || (match[2] === "0" && match[3] === "0") ? [] : [`${match[1]} ${match[2]} ${match[3]}`];
    })
    .toSorted();
}

function changesTo(wanted: readonly WantedService[], client: IpvsClient): IpvsChange[] {
  const observed = new Map(client.table("skipped").map((entry) => [formatServiceKey(entry.service.key), entry]));
  return wanted.flatMap((entry) => planService(entry, observed.get(formatServiceKey(entry.service.key))));
}

function refusals(client: IpvsClient, changes: readonly IpvsChange[]): string[] {
  return client.apply(changes).flatMap((error) => (error === undefined ? [] : [error.message]));
}

test("ipvsadm prints the tables that IpvsClient sets, thresholds as well, and the plan is empty then", () => {
  using client = IpvsClient.open();
  fc.assert(
    fc.property(tables, (wanted) => {
      client.flush();
      expect(refusals(client, changesTo(wanted, client))).toEqual([]);
      const printed = parseIpvsadm(run("ipvsadm", "-Sn"));
      expect(lines(printed.ok ? printed.services : [])).toEqual(lines(wanted.map(asIpvsadmPrints)));
      const thresholds = wanted.flatMap(({ servers }) =>
        servers.flatMap((server) =>
          server.upperThreshold === 0
            ? []
            : [`${realServerKey(server)} ${server.upperThreshold} ${server.lowerThreshold}`],
        ),
      );
      expect(listedThresholds()).toEqual(thresholds.toSorted());
      expect(changesTo(wanted, client)).toEqual([]);
    }),
    RUNS,
  );
});

test("a table that ipvsadm sets comes back whole by save, flush and restore, in both forms", () => {
  using client = IpvsClient.open();
  fc.assert(
    fc.property(tables, fc.constantFrom("toml", "ipvsadm"), (wanted, form) => {
      client.flush();
      const restored = Bun.spawnSync(["ipvsadm", "-R"], { stdin: Buffer.from(formatIpvsadm(wanted)) });
      expect(restored.stderr.toString()).toBe("");
      const before = plain(client.table());
      const text = form === "toml" ? formatTable(before) : formatIpvsadm(before);
      const printed = run("ipvsadm", "-Sn").split("\n").toSorted();
      client.flush();
      const read = form === "toml" ? parseTable(text) : parseIpvsadm(text);
      expect(read.ok).toBe(true);
      expect(refusals(client, changesTo(read.ok ? read.services : [], client))).toEqual([]);
      expect(lines(plain(client.table()))).toEqual(lines(before));
      expect(run("ipvsadm", "-Sn").split("\n").toSorted()).toEqual(printed);
      expect(changesTo(before, client)).toEqual([]);
    }),
    RUNS,
  );
});

/** The same services with other settings and servers. */
function changed(table: readonly WantedService[]): WantedService[] {
  return table.map(({ service: { key, persistence }, servers }) => {
    const needsPersistence = key.kind === "address" && key.port === 0 && persistence !== undefined;
    const kept = needsPersistence
      ? { persistence: { timeoutSeconds: 60, prefixLength: persistence.prefixLength } }
      : {};
    return {
      service: { key, scheduler: "rr", schedulerFlags: [], onePacket: false, ...kept },
      servers: servers.slice(1).map((server) => ({ ...server, weight: 3, upperThreshold: 7, lowerThreshold: 2 })),
    };
  });
}

test("planService() makes any table of a changed one, and back, in the kernel", () => {
  using client = IpvsClient.open();
  fc.assert(
    fc.property(tables, (wanted) => {
      client.flush();
      for (const step of [changed(wanted), wanted, changed(wanted)]) {
        expect(refusals(client, changesTo(step, client))).toEqual([]);
        expect(lines(plain(client.table()))).toEqual(lines(step));
      }
    }),
    RUNS,
  );
});
