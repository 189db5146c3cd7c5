import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../../src/config/parse.ts";
import { SyncServices, syncServices } from "../../../../src/daemon/sync/sync-services.ts";
import {
  IP_VS_CONN_F_DROUTE,
  IP_VS_CONN_F_INACTIVE,
  IP_VS_CONN_F_TEMPLATE,
} from "../../../../src/wire/sync/sync-message.ts";
import { PAIR_TABLES } from "../../../support/pair-tables.ts";
import { end, row } from "../../../support/sync-connections.ts";

function service(name: string, listen: string, more: string, server = "10.0.0.11:80"): string {
  return `[[service]]\nname = "${name}"\nlisten = "${listen}"\nscheduler = "rr"\ncheck = false\n${more}\n[[service.real]]\naddress = "${server}"\n`;
}

function services(...texts: string[]): SyncServices {
  const result = parseConfig([PAIR_TABLES, ...texts].join("\n"));
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return new SyncServices(syncServices(result.config));
}

const TABLE = services(
  service("web", "tcp://203.0.113.10:80", 'persistence = "5m"'),
  service("dns", "udp://203.0.113.10:53", 'forward = "direct"', "10.0.0.11:53"),
  service("ftp", "tcp://203.0.113.10:21", 'persistence = "5m"', "10.0.0.11:21"),
  service("marked", "fwmark:7", 'persistence = "10m"\nforward = "direct"', "10.0.0.12:0"),
);

describe("SyncServices.toSync()", () => {
  test("says of a TCP connection what the kernel would", () => {
    const { protocol, client, virtual, server } = row();
    const common = { protocol, client, virtual, server, mark: 0, timeoutSeconds: 0 };
    expect(TABLE.toSync(row())).toEqual({ ...common, flags: 0, state: 1 });
    // Counted as inactive from its end on (tcp_state_active_table).
    expect(TABLE.toSync(row({ state: "FIN_WAIT" }))).toEqual({ ...common, flags: IP_VS_CONN_F_INACTIVE, state: 4 });
    expect(TABLE.toSync(row({ state: "SYN_RECV" }))).toEqual({ ...common, flags: 0, state: 3 });
  });

  test("gives the memory of a client the time that its service has", () => {
    const memory = row({ client: end("198.51.100.7:0"), state: "ASSURED", expiresSeconds: 12 });
    expect(TABLE.toSync(memory)).toMatchObject({
      flags: IP_VS_CONN_F_TEMPLATE | IP_VS_CONN_F_INACTIVE,
      state: 1,
      timeoutSeconds: 300,
    });
    // A template that waits for a connection of it to end may have more.
    expect(TABLE.toSync({ ...memory, expiresSeconds: 900 })?.timeoutSeconds).toBe(900);
  });

  test("knows how a service forwards, and by its server which mark a connection came by", () => {
    const dns = row({ protocol: 17, virtual: end("203.0.113.10:53"), server: end("10.0.0.11:53"), state: "UDP" });
    expect(TABLE.toSync(dns)?.flags).toBe(IP_VS_CONN_F_DROUTE | IP_VS_CONN_F_INACTIVE);
    const marked = row({ virtual: end("198.51.100.99:443"), server: end("10.0.0.12:443") });
    expect(TABLE.toSync(marked)).toMatchObject({ mark: 7, flags: IP_VS_CONN_F_DROUTE });
    const memory = row({ protocol: 0, client: end("198.51.100.7:0"), virtual: end("0.0.0.7:0"), state: "NONE" });
    expect(TABLE.toSync(memory)).toMatchObject({ protocol: 0, mark: 7, timeoutSeconds: 890 });
  });

  test("takes data connections of FTP for the service of its control port", () => {
    expect(TABLE.toSync(row({ virtual: end("203.0.113.10:20"), server: end("10.0.0.11:20") }))?.state).toBe(1);
  });

  test("says nothing of what is not configured, nor of a state it does not know", () => {
    expect(TABLE.toSync(row({ virtual: end("203.0.113.99:80") }))).toBeUndefined();
    expect(TABLE.toSync(row({ state: "ODD" }))).toBeUndefined();
    expect(TABLE.toSync(row({ protocol: 50, state: "NONE" }))).toBeUndefined();
  });
});
