import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { IpvsClient } from "../../src/kernel/ipvs/ipvs-client.ts";
import { address } from "../../src/model/address.ts";
import type { IpvsChange, ObservedService, WantedService } from "../../src/model/ipvs-table.ts";
import type { RealServer } from "../../src/model/real-server.ts";
import { CORE_SCHEDULERS } from "../../src/model/scheduler.ts";
import type { ServiceKey, VirtualService } from "../../src/model/virtual-service.ts";
import { requireLab, run } from "../support/lab.ts";
import { endpointOf, keyOf } from "../support/must.ts";

beforeAll(requireLab);
beforeEach(() => {
  run("ipvsadm", "-C");
});

const KEY = keyOf("tcp://203.0.113.10:80");

function service(key: string, rest: Partial<VirtualService> = {}): VirtualService {
  return { key: keyOf(key), scheduler: "rr", schedulerFlags: [], onePacket: false, ...rest };
}

function server(endpoint: string, rest: Partial<RealServer> = {}): RealServer {
  const base = { forward: "nat", weight: 1, upperThreshold: 0, lowerThreshold: 0 } as const;
  return { endpoint: endpointOf(endpoint), ...base, ...rest };
}

function additions({ service, servers }: WantedService): IpvsChange[] {
  const adds = servers.map((each) => ({ kind: "add-server", key: service.key, server: each }) as const);
  return [{ kind: "add-service", service }, ...adds];
}

/** The configured part of what the kernel has. */
function configured(observed: readonly ObservedService[]): WantedService[] {
  return observed.map((each) => ({ service: each.service, servers: each.servers.map((one) => one.server) }));
}

/** Applies changes that must all be made. */
function make(client: IpvsClient, changes: readonly IpvsChange[]): void {
  expect(client.apply(changes)).toEqual(changes.map(() => undefined));
}

/** What the changes are refused with: name of the errno, sentence, hint. */
function refusals(client: IpvsClient, changes: readonly IpvsChange[]): unknown[] {
  return client.apply(changes).map((error) => error && [error.errnoName, error.message, error.hint]);
}

const persistence = (timeoutSeconds: number, prefixLength: number) => ({ timeoutSeconds, prefixLength });
const gue = (port: number, checksum: "none" | "full" | "remote") => ({ type: "gue" as const, port, checksum });
const WEB = "-t 203.0.113.10:80";
const WEB6 = "-t [2001:db8::10]:80";

/** Each option of a service and how `ipvsadm -Sn` writes it. */
const SERVICES: readonly (readonly [VirtualService, string])[] = [
  [service("udp://203.0.113.10:53"), "-A -u 203.0.113.10:53 -s rr"],
  [service("sctp://203.0.113.10:99"), "-A --sctp-service 203.0.113.10:99 -s rr"],
  [service("fwmark:7"), "-A -f 7 -s rr"],
  // ipvsadm 1.31 shows marks as signed.
  [service("fwmark:4294967295/inet6"), "-A -f -1 -6 -s rr"],
  [service("tcp://[2001:db8::10]:80"), `-A ${WEB6} -s rr`],
  [service("tcp://203.0.113.10:80", { persistence: persistence(300, 32) }), `-A ${WEB} -s rr -p 300`],
  [service("tcp://203.0.113.10:80", { persistence: persistence(9, 20) }), `-A ${WEB} -s rr -p 9 -M 255.255.240.0`],
  [service("tcp://203.0.113.10:80", { persistence: persistence(9, 0) }), `-A ${WEB} -s rr -p 9 -M 0.0.0.0`],
  [service("tcp://[2001:db8::10]:80", { persistence: persistence(60, 64) }), `-A ${WEB6} -s rr -p 60 -M 64`],
  [service("tcp://203.0.113.10:0", { persistence: persistence(60, 32) }), "-A -t 203.0.113.10:0 -s rr -p 60"],
  [
    service("udp://203.0.113.10:5060", { persistence: { ...persistence(60, 32), engine: "sip" } }),
    "-A -u 203.0.113.10:5060 -s rr -p 60 --pe sip",
  ],
  [service("udp://203.0.113.10:53", { onePacket: true }), "-A -u 203.0.113.10:53 -s rr -o"],
  [service("tcp://203.0.113.10:80", { scheduler: "sh", schedulerFlags: ["flag-1"] }), `-A ${WEB} -s sh -b sh-fallback`],
  [
    service("tcp://203.0.113.10:80", { scheduler: "mh", schedulerFlags: ["flag-1", "flag-2"] }),
    `-A ${WEB} -s mh -b mh-fallback,mh-port`,
  ],
  [service("tcp://203.0.113.10:80", { scheduler: "rr", schedulerFlags: ["flag-3"] }), `-A ${WEB} -s rr -b flag-3`],
  ...[...CORE_SCHEDULERS, "sed", "nq", "fo", "ovf"].map(
    (scheduler) => [service("tcp://203.0.113.10:80", { scheduler }), `-A ${WEB} -s ${scheduler}`] as const,
  ),
];

/** Each option of a real server and how `ipvsadm -Sn` writes it. */
const SERVERS: readonly (readonly [string, RealServer, string])[] = [
  ["tcp://203.0.113.10:80", server("10.0.0.11:8080", { weight: 3 }), `-a ${WEB} -r 10.0.0.11:8080 -m -w 3`],
  ["tcp://203.0.113.10:80", server("10.0.0.11:80", { weight: 0 }), `-a ${WEB} -r 10.0.0.11:80 -m -w 0`],
  [
    "tcp://203.0.113.10:80",
    server("10.0.0.11:80", { weight: 2_147_483_647 }),
    `-a ${WEB} -r 10.0.0.11:80 -m -w 2147483647`,
  ],
  ["tcp://203.0.113.10:80", server("10.0.0.11:80", { forward: "direct" }), `-a ${WEB} -r 10.0.0.11:80 -g -w 1`],
  [
    "tcp://203.0.113.10:80",
    server("10.0.0.11:80", { forward: "tunnel" }),
    `-a ${WEB} -r 10.0.0.11:80 -i -w 1 --tun-type ipip`,
  ],
  [
    "tcp://203.0.113.10:80",
    server("10.0.0.11:80", { forward: "tunnel", tunnel: gue(6080, "none") }),
    `-a ${WEB} -r 10.0.0.11:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum`,
  ],
  [
    "tcp://203.0.113.10:80",
    server("10.0.0.11:80", { forward: "tunnel", tunnel: gue(6080, "full") }),
    `-a ${WEB} -r 10.0.0.11:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum`,
  ],
  [
    "tcp://203.0.113.10:80",
    server("10.0.0.11:80", { forward: "tunnel", tunnel: gue(6080, "remote") }),
    `-a ${WEB} -r 10.0.0.11:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum`,
  ],
  [
    "tcp://203.0.113.10:80",
    server("10.0.0.11:80", { forward: "tunnel", tunnel: { type: "gre", port: 0, checksum: "full" } }),
    `-a ${WEB} -r 10.0.0.11:80 -i -w 1 --tun-type gre --tun-csum`,
  ],
  [
    "tcp://[2001:db8::10]:80",
    server("[2001:db8::11]:80", { forward: "direct" }),
    `-a ${WEB6} -r [2001:db8::11]:80 -g -w 1`,
  ],
  [
    "tcp://203.0.113.10:80",
    server("[2001:db8::11]:80", { forward: "tunnel" }),
    `-a ${WEB} -r [2001:db8::11]:80 -i -w 1 --tun-type ipip`,
  ],
  ["fwmark:7", server("10.0.0.11:0", { forward: "direct" }), "-a -f 7 -r 10.0.0.11:0 -g -w 1"],
];

describe("IpvsClient.apply()", () => {
  beforeAll(() => {
    // The kernel refuses IPv6 servers that it cannot route.
    run("ip", "-6", "route", "replace", "local", "2001:db8::/112", "dev", "lo");
    run("ip", "-6", "route", "replace", "unreachable", "2001:db8::/64");
  });

  test.each(SERVICES.map(([wanted, line]) => [line, wanted] as const))(
    "sets what ipvsadm shows as %s",
    (line, wanted) => {
      using client = IpvsClient.open();
      make(client, [{ kind: "add-service", service: wanted }]);
      expect(run("ipvsadm", "-Sn").trim()).toBe(line);
      expect(configured(client.table())).toEqual([{ service: wanted, servers: [] }]);
    },
  );

  test.each(SERVERS.map(([key, wanted, line]) => [line, key, wanted] as const))(
    "sets what ipvsadm shows as %s",
    (line, key, wanted) => {
      using client = IpvsClient.open();
      make(client, additions({ service: service(key), servers: [wanted] }));
      expect(run("ipvsadm", "-Sn").trim().split("\n").slice(1)).toEqual([line]);
      expect(configured(client.table())).toEqual([{ service: service(key), servers: [wanted] }]);
    },
  );

  test("sets thresholds", () => {
    using client = IpvsClient.open();
    const wanted = server("10.0.0.11:80", { upperThreshold: 2_147_483_647, lowerThreshold: 10 });
    make(client, additions({ service: service("tcp://203.0.113.10:80"), servers: [wanted] }));
    expect(run("ipvsadm", "-Ln", "--thresholds")).toMatch(/10\.0\.0\.11:80\s+2147483647\s+10\s/);
    expect(client.table()[0]?.servers[0]?.server).toEqual(wanted);
  });

  test("replaces all options of a service by an edit, and leaves its servers", () => {
    using client = IpvsClient.open();
    const rich = service("tcp://203.0.113.10:80", {
      scheduler: "sh",
      schedulerFlags: ["flag-1", "flag-2"],
      persistence: persistence(300, 24),
    });
    const plain = service("tcp://203.0.113.10:80", { scheduler: "wlc" });
    make(client, additions({ service: rich, servers: [server("10.0.0.11:80")] }));
    make(client, [{ kind: "edit-service", service: plain }]);
    expect(configured(client.table())).toEqual([{ service: plain, servers: [server("10.0.0.11:80")] }]);
    make(client, [{ kind: "edit-service", service: rich }]);
    expect(configured(client.table())).toEqual([{ service: rich, servers: [server("10.0.0.11:80")] }]);
  });

  test("replaces all options of a real server by an edit", () => {
    using client = IpvsClient.open();
    const rich = server("10.0.0.11:80", { forward: "tunnel", tunnel: gue(6080, "full"), weight: 5, upperThreshold: 9 });
    const plain = server("10.0.0.11:80", { forward: "direct" });
    make(client, additions({ service: service("tcp://203.0.113.10:80"), servers: [rich] }));
    make(client, [{ kind: "edit-server", key: KEY, server: plain }]);
    expect(client.service(KEY)?.servers.map((each) => each.server)).toEqual([plain]);
  });

  test("deletes servers and services", () => {
    using client = IpvsClient.open();
    const servers = [server("10.0.0.11:80"), server("10.0.0.12:80")];
    make(client, additions({ service: service("tcp://203.0.113.10:80"), servers }));
    make(client, additions({ service: service("fwmark:7/inet6"), servers: [] }));
    make(client, [{ kind: "delete-server", key: KEY, endpoint: endpointOf("10.0.0.11:80") }]);
    expect(client.service(KEY)?.servers.map((each) => each.server)).toEqual([server("10.0.0.12:80")]);
    make(client, [
      { kind: "delete-service", key: KEY },
      { kind: "delete-service", key: keyOf("fwmark:7/inet6") },
    ]);
    expect(run("ipvsadm", "-Sn")).toBe("");
  });

  test("gives each of 3,000 changes in several datagrams its own outcome", () => {
    using client = IpvsClient.open();
    const changes: IpvsChange[] = [{ kind: "add-service", service: service("tcp://203.0.113.10:80") }];
    for (let index = 0; index < 2_999; index += 1) {
      // Every tenth one is a server that is there already.
      const number = index % 10 === 9 ? index - 1 : index;
      const endpoint = `10.0.${number >> 8}.${number & 0xff}:80`;
      changes.push({ kind: "add-server", key: KEY, server: server(endpoint) });
    }
    const outcomes = client.apply(changes);
    const expected = changes.map((_, index) => (index > 0 && (index - 1) % 10 === 9 ? "EEXIST" : undefined));
    expect(outcomes.map((error) => error?.errnoName)).toEqual(expected);
    expect(client.service(KEY)?.servers).toHaveLength(2_999 - 299);
  });

  test("gives each of 3,000 refused changes its own outcome", () => {
    using client = IpvsClient.open();
    const changes = Array.from({ length: 3_000 }, () => ({ kind: "delete-service", key: KEY }) as const);
    expect(client.apply(changes).map((error) => error?.errnoName)).toEqual(changes.map(() => "ESRCH"));
  });

  test("makes no message of no changes", () => {
    using client = IpvsClient.open();
    expect(client.apply([])).toEqual([]);
  });

  test("zeroes the counters of one service and of all", () => {
    using client = IpvsClient.open();
    make(client, additions({ service: service("tcp://203.0.113.10:80"), servers: [] }));
    make(client, [{ kind: "zero", key: KEY }, { kind: "zero" }]);
    expect(client.services()[0]?.stats.connections).toBe(0n);
  });
});

describe("IpvsClient.apply() refused", () => {
  const web = service("tcp://203.0.113.10:80");
  const addWeb: IpvsChange = { kind: "add-service", service: web };
  const one = server("10.0.0.11:80");
  const addOne: IpvsChange = { kind: "add-server", key: KEY, server: one };
  const noService = "there is no such virtual service (ESRCH)";
  const of = "of tcp://203.0.113.10:80";

  const CASES: readonly (readonly [string, readonly IpvsChange[], string, string | undefined])[] = [
    [
      "a second service",
      [addWeb, addWeb],
      "cannot add virtual service tcp://203.0.113.10:80: it exists already (EEXIST)",
      "use `tandem service edit`",
    ],
    [
      "a scheduler that there is not",
      [{ kind: "add-service", service: { ...web, scheduler: "nonesuch" } }],
      "cannot add virtual service tcp://203.0.113.10:80: the kernel has no scheduler nonesuch (ENOENT)",
      "run `modprobe ip_vs_nonesuch`; where that finds no module, this kernel was built without it: take another scheduler",
    ],
    [
      "an edit of no service",
      [{ kind: "edit-service", service: web }],
      `cannot edit virtual service tcp://203.0.113.10:80: ${noService}`,
      "use `tandem service add`",
    ],
    [
      "a deletion of no service",
      [{ kind: "delete-service", key: KEY }],
      `cannot delete virtual service tcp://203.0.113.10:80: ${noService}`,
      undefined,
    ],
    [
      "a server of no service",
      [addOne],
      `cannot add real server 10.0.0.11:80 ${of}: ${noService}`,
      "use `tandem service add` first",
    ],
    [
      "a second server",
      [addWeb, addOne, addOne],
      `cannot add real server 10.0.0.11:80 ${of}: the service has it already (EEXIST)`,
      "use `tandem real edit`",
    ],
    [
      "an edit of no server",
      [addWeb, { ...addOne, kind: "edit-server" }],
      `cannot edit real server 10.0.0.11:80 ${of}: the service has no such real server (ENOENT)`,
      "use `tandem real add`",
    ],
    [
      "a deletion of no server",
      [addWeb, { kind: "delete-server", key: KEY, endpoint: one.endpoint }],
      `cannot delete real server 10.0.0.11:80 ${of}: the service has no such real server (ENOENT)`,
      undefined,
    ],
    [
      "thresholds upside down",
      [addWeb, { ...addOne, server: { ...one, upperThreshold: 1, lowerThreshold: 2 } }],
      `cannot add real server 10.0.0.11:80 ${of}: the lower threshold 2 is above the upper one 1 (ERANGE)`,
      undefined,
    ],
    [
      "another family without a tunnel",
      [addWeb, { ...addOne, server: server("[2001:db8::11]:80") }],
      `cannot add real server [2001:db8::11]:80 ${of}: the service and the real server are of different address families, which works with tunnels only (EINVAL)`,
      "use --forward tunnel",
    ],
    [
      "a gue tunnel without a port",
      [addWeb, { ...addOne, server: { ...one, forward: "tunnel", tunnel: gue(0, "none") } }],
      `cannot add real server 10.0.0.11:80 ${of}: a gue tunnel needs a port (EINVAL)`,
      "name it with --tunnel-port",
    ],
    [
      "zeroing no service",
      [{ kind: "zero", key: KEY }],
      `cannot zero the counters of tcp://203.0.113.10:80: ${noService}`,
      undefined,
    ],
  ];

  test.each(CASES)("%s: says why and what to do", (_, changes, message, hint) => {
    using client = IpvsClient.open();
    const errnoName = /\((\w+)\)$/.exec(message)?.[1];
    const done = changes.slice(1).map(() => undefined);
    expect(refusals(client, changes)).toEqual([...done, [errnoName, message, hint]]);
  });
});

describe("IpvsClient reads", () => {
  test("info() tells the version and the size of the connection table", () => {
    using client = IpvsClient.open();
    expect(client.info()).toEqual({ version: "1.2.1", connectionTableSize: expect.any(Number) });
    expect(client.info().connectionTableSize).toBeGreaterThanOrEqual(256);
  });

  test("services() and service() see what ipvsadm has set", () => {
    using client = IpvsClient.open();
    run("ipvsadm", "-A", "-t", "203.0.113.10:80", "-s", "wlc", "-p", "300", "-M", "255.0.255.0");
    run("ipvsadm", "-a", "-t", "203.0.113.10:80", "-r", "10.0.0.11", "-g", "-x", "7", "-y", "3");
    const irregular = { timeoutSeconds: 300, prefixLength: 16, irregularMask: "255.0.255.0" };
    const wanted = service("tcp://203.0.113.10:80", { scheduler: "wlc", persistence: irregular });
    expect(configured(client.services())).toEqual([{ service: wanted, servers: [] }]);
    const observed = client.service(KEY);
    expect(observed === undefined ? [] : configured([observed])).toEqual([
      {
        service: wanted,
        servers: [server("10.0.0.11:80", { forward: "direct", upperThreshold: 7, lowerThreshold: 3 })],
      },
    ]);
    make(client, [{ kind: "edit-service", service: wanted }]);
    expect(run("ipvsadm", "-Sn")).toContain("-p 300 -M 255.0.255.0");
  });

  test("service() knows the keys that there are not", () => {
    using client = IpvsClient.open();
    make(client, [{ kind: "add-service", service: service("fwmark:7") }]);
    const keys: readonly ServiceKey[] = [KEY, keyOf("fwmark:7/inet6"), keyOf("fwmark:8")];
    expect(keys.map((key) => client.service(key))).toEqual([undefined, undefined, undefined]);
  });
});

describe("sync daemons and timeouts", () => {
  const group = address("224.0.0.82");
  const master = {
    state: "master" as const,
    interface: "sync0",
    syncId: 5,
    maxLengthBytes: 1400,
    group,
    port: 8900,
    ttl: 3,
  };

  test("IpvsClient starts, lists and stops both kinds", () => {
    using client = IpvsClient.open();
    run("ip", "link", "add", "sync0", "type", "veth", "peer", "name", "sync1");
    try {
      run("ip", "addr", "add", "192.0.2.1/24", "dev", "sync0");
      run("ip", "link", "set", "sync0", "up");
      client.startSyncDaemon(master);
      client.startSyncDaemon({ state: "backup", interface: "sync0", syncId: 6 });
      expect(run("ipvsadm", "-Ln", "--daemon")).toContain("master sync daemon (mcast=sync0, syncid=5, maxlen=1400");
      const defaults = { maxLengthBytes: 1472, group: address("224.0.0.81"), port: 8848, ttl: 1 };
      expect(client.syncDaemons()).toEqual([master, { state: "backup", interface: "sync0", syncId: 6, ...defaults }]);
      expect(() => client.startSyncDaemon(master)).toThrow(
        "cannot start the sync daemon master on sync0: it runs already (EEXIST)",
      );
      const stopped = ["master", "backup", "master"] as const;
      expect(stopped.map((state) => client.stopSyncDaemon(state))).toEqual([true, true, false]);
      expect(client.syncDaemons()).toEqual([]);
      expect(() => client.startSyncDaemon({ ...master, interface: "nowhere" })).toThrow(
        "there is no interface nowhere (ENODEV)",
      );
    } finally {
      run("ip", "link", "del", "sync0");
    }
  });

  test("IpvsClient reads and sets the timeouts; 0 leaves one as it is", () => {
    using client = IpvsClient.open();
    const before = client.connectionTimeouts();
    client.setConnectionTimeouts({ tcpSeconds: 901, tcpFinSeconds: 121, udpSeconds: 301 });
    client.setConnectionTimeouts({ tcpSeconds: 0, tcpFinSeconds: 60, udpSeconds: 0 });
    expect(client.connectionTimeouts()).toEqual({ tcpSeconds: 901, tcpFinSeconds: 60, udpSeconds: 301 });
    expect(run("ipvsadm", "-Ln", "--timeout").trim()).toBe("Timeout (tcp tcpfin udp): 901 60 301");
    client.setConnectionTimeouts(before);
  });
});
