import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { parseIpvsadm } from "../../src/import/ipvsadm/ipvsadm.ts";
import { formatIpvsadm } from "../../src/import/ipvsadm/ipvsadm-format.ts";
import type { WantedService } from "../../src/model/ipvs-table.ts";
import { formatServiceKey } from "../../src/model/virtual-service.ts";
import { requireLab, run } from "../support/lab.ts";
import { anyTable } from "../support/table-arbitrary.ts";

beforeAll(requireLab);

/** What ipvsadm 1.31 can't say back: thresholds, further flags of sh and mh, masks without persistence. */
function asSaved({ service, servers }: WantedService): WantedService {
  const named = service.scheduler === "sh" || service.scheduler === "mh";
  const schedulerFlags = named ? service.schedulerFlags.filter((flag) => flag !== "flag-3") : service.schedulerFlags;
  return {
    service: { ...service, schedulerFlags },
    servers: servers.map((server) => ({ ...server, upperThreshold: 0, lowerThreshold: 0 })),
  };
}

function byKey(services: readonly WantedService[]): Map<string, string> {
  return new Map(
    services.map((wanted) => [
      formatServiceKey(wanted.service.key),
      formatIpvsadm([wanted]).split("\n").sort().join("\n"),
    ]),
  );
}

/** Without what this kernel has no module for, and what ipvsadm 1.31 itself can't restore. */
const tables = anyTable.map((services) =>
  services.filter(({ service }) => !["my-scheduler", "twos"].includes(service.scheduler)),
);

test("ipvsadm -R takes what formatIpvsadm() writes, and parseIpvsadm() reads the same table from ipvsadm -Sn", () => {
  fc.assert(
    fc.property(tables, (services) => {
      const text = formatIpvsadm(services);
      const restored = Bun.spawnSync(["ipvsadm", "-R"], { stdin: Buffer.from(`-C\n${text}`) });
      expect({ text, stderr: restored.stderr.toString(), exitCode: restored.exitCode }).toEqual({
        text,
        stderr: "",
        exitCode: 0,
      });
      const saved = parseIpvsadm(run("ipvsadm", "-Sn"));
      expect(byKey(saved.ok ? saved.services : [])).toEqual(byKey(services.map(asSaved)));
    }),
    { numRuns: 25, endOnFailure: true },
  );
});
