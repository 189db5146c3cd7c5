import { addressFromBytes } from "../../src/model/address.ts";
import type { WantedService } from "../../src/model/ipvs-table.ts";

/** Tables of any size, and the same table in keepalived's words. */

export interface TableSize {
  readonly services: number;
  readonly servers: number;
}

function numbered(first: number, index: number): Uint8Array {
  return Uint8Array.from([first, (index >> 16) & 0xff, (index >> 8) & 0xff, index & 0xff]);
}

/** The servers are spread evenly over the services; no two servers of the table are alike. */
export function makeTable(size: TableSize): WantedService[] {
  let next = 0;
  return Array.from({ length: size.services }, (_, index): WantedService => {
    const until = Math.floor((size.servers * (index + 1)) / size.services);
    const servers: WantedService["servers"][number][] = [];
    for (; next < until; next += 1) {
      servers.push({
        endpoint: { address: addressFromBytes(numbered(10, next + 1)), port: 80 },
        forward: "nat",
        weight: 1 + (next % 7),
        upperThreshold: 0,
        lowerThreshold: 0,
      });
    }
    return {
      service: {
        key: { kind: "address", protocol: "tcp", address: addressFromBytes(numbered(11, index + 1)), port: 80 },
        scheduler: "wlc",
        schedulerFlags: [],
        onePacket: false,
      },
      servers,
    };
  });
}

/** keepalived.conf of a table as `makeTable` makes it, without checks: it loads everything at once. */
export function formatKeepalived(table: readonly WantedService[]): string {
  const services = table.map(({ service: { key, scheduler }, servers }) => {
    if (key.kind !== "address") throw new Error("only addresses");
    const lines = servers.map(
      ({ endpoint, weight }) =>
        `  real_server ${endpoint.address.text} ${endpoint.port} {\n    weight ${weight}\n  }\n`,
    );
    return `virtual_server ${key.address.text} ${key.port} {\n  lvs_sched ${scheduler}\n  lvs_method NAT\n  protocol TCP\n${lines.join("")}}\n`;
  });
  return `global_defs {\n}\n${services.join("")}`;
}
