import { describe, expect, test } from "bun:test";
import { readChangeList } from "../../../../src/cli/service/change-list.ts";
import { realServer, serviceKey, virtualService } from "../../../support/balance-fixtures.ts";
import { SimulatedIpvs } from "../../../support/simulated-ipvs.ts";

const WEB = "tcp://203.0.113.10:80";

/** A table with one service and one real server. */
function webTable() {
  const kernel = new SimulatedIpvs();
  kernel.apply([
    { kind: "add-service", service: virtualService(WEB) },
    { kind: "add-server", key: serviceKey(WEB), server: realServer("10.0.0.11:80") },
  ]);
  return kernel.observed();
}

describe("readChangeList()", () => {
  test("gives the smallest set of changes that the lines come to", () => {
    const text = `# before the weekend
      service add fwmark:7 --scheduler rr   # marked packets
      tandem real add fwmark:7 10.0.0.12:80 --weight 5
      real edit fwmark:7 10.0.0.12:80 --weight 6
      real edit ${WEB} 10.0.0.11 --weight 3
      real add ${WEB} 10.0.0.13
      real del ${WEB} 10.0.0.13
    `;
    expect(readChangeList(text, webTable())).toEqual({
      ok: true,
      changes: [
        { kind: "add-service", service: virtualService("fwmark:7", { scheduler: "rr" }) },
        { kind: "add-server", key: serviceKey("fwmark:7"), server: realServer("10.0.0.12:80", { weight: 6 }) },
        { kind: "edit-server", key: serviceKey(WEB), server: realServer("10.0.0.11:80", { weight: 3 }) },
      ],
    });
  });

  test("changes nothing where a service is removed and made again as it was", () => {
    const text = `service del ${WEB}\nservice add ${WEB}\nreal add ${WEB} 10.0.0.11`;
    expect(readChangeList(text, webTable())).toEqual({ ok: true, changes: [] });
  });

  test.each([
    [`service add ${WEB}`, `${WEB} exists already; --or-edit changes it`],
    ["service edit fwmark:9", "there is no virtual service fwmark:9"],
    ["service del fwmark:9", "there is no virtual service fwmark:9"],
    ["real add fwmark:9 10.0.0.1", "there is no virtual service fwmark:9"],
    [`real add ${WEB} 10.0.0.11`, "the service has 10.0.0.11:80 already; --or-edit changes it"],
    [`real edit ${WEB} 10.0.0.9`, "the service has no real server 10.0.0.9:80"],
    [`real del ${WEB} 10.0.0.9`, "the service has no real server 10.0.0.9:80"],
    [`real edit ${WEB} 10.0.0.11 --weight much`, '--weight: "much" is not a whole number from 0 to 2147483647'],
    [
      `real edit ${WEB} 10.0.0.11 --upper-threshold 2147483648`,
      '--upper-threshold: "2147483648" is not a whole number from 0 to 2147483647',
    ],
    [
      `real edit ${WEB} 10.0.0.11 --lower-threshold 4294967295`,
      '--lower-threshold: "4294967295" is not a whole number from 0 to 2147483647',
    ],
    [`real edit ${WEB} 10.0.0.11 --lower-threshold 2`, "the lower threshold 2 is above the upper one 0"],
    ["service add fwmark:0", 'SERVICE: the mark of "fwmark:0" must be 1 to 4294967295'],
    ["service add tcp://web:80", 'SERVICE: "web" is not an IPv4 or IPv6 address; --resolve looks names up'],
    ["service zero", "a line begins with service add, service edit, service del, real add, real edit, real del"],
  ])("refuses %s", (line, message) => {
    expect(readChangeList(`\n  ${line}`, webTable())).toEqual({
      ok: false,
      issues: [{ line: 2, column: 3, path: "", message }],
    });
  });

  test("takes a change twice where it is told so", () => {
    const text = `service add ${WEB} --or-edit\nservice del fwmark:9 --if-exists\nreal del ${WEB} 10.0.0.9 --if-exists`;
    expect(readChangeList(text, webTable())).toEqual({ ok: true, changes: [] });
  });

  test.each([
    ["--dry-run", "--dry-run is for the whole list: tandem service apply --dry-run"],
    ["--resolve", "--resolve is for the whole list: tandem service apply --resolve"],
  ])("refuses %s on a line, which would be carried out all the same", (flag, message) => {
    expect(readChangeList(`real del ${WEB} 10.0.0.11 ${flag}`, webTable())).toEqual({
      ok: false,
      issues: [{ line: 1, column: 1, path: "", message }],
    });
  });
});
