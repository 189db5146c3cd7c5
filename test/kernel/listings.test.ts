/** What the listings show of connections that are there, and the settings that IPVS has once. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { requireLab, run } from "../support/lab.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/tandem");
const VIP = "198.51.100.80";
const SERVER = "198.51.100.81";
const WEB = `tcp://${VIP}:80`;

function tandem(...words: readonly string[]): { stdout: string; stderr: string; exitCode: number } {
  const { stdout, stderr, exitCode } = Bun.spawnSync([PROGRAM, ...words], { env: { PATH: "/usr/sbin:/usr/bin" } });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

function json(...words: readonly string[]): unknown {
  const { stdout, stderr, exitCode } = tandem(...words, "--json");
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return JSON.parse(stdout);
}

beforeAll(() => {
  requireLab();
  for (const text of [VIP, SERVER]) run("ip", "address", "add", `${text}/32`, "dev", "lo");
});

afterAll(() => {
  run("ipvsadm", "-C");
  for (const text of [VIP, SERVER]) run("ip", "address", "del", `${text}/32`, "dev", "lo");
});

describe("service list with an open connection", () => {
  test("shows it with --connections, filtered by service and by server, and counts it", async () => {
    using listener = Bun.listen({ hostname: SERVER, port: 0, socket: { data() {} } });
    run("ipvsadm", "-C");
    run("ipvsadm", "-A", "-t", `${VIP}:80`, "-s", "rr");
    run("ipvsadm", "-a", "-t", `${VIP}:80`, "-r", `${SERVER}:${listener.port}`, "-m");
    const opened = Promise.withResolvers<void>();
    using client = await Bun.connect({
      hostname: VIP,
      port: 80,
      socket: { open: () => opened.resolve(), data() {}, connectError: (_socket, error) => opened.reject(error) },
    });
    await opened.promise;
    const connection = {
      protocol: "tcp",
      client: `${VIP}:${client.localPort}`,
      virtual: `${VIP}:80`,
      server: `${SERVER}:${listener.port}`,
      state: "ESTABLISHED",
      expiresSeconds: expect.any(Number),
      persistent: false,
      engineData: null,
    };
    const all = { version: 1, connections: [connection] };
    expect(json("service", "list", WEB, "--connections")).toEqual(all);
    expect(json("service", "list", "--connections", "--server", SERVER)).toEqual(all);
    expect(json("service", "list", "--connections", "--server", "198.51.100.82")).toEqual({
      version: 1,
      connections: [],
    });
    expect(json("service", "list", `udp://${VIP}:80`, "--connections")).toEqual({ version: 1, connections: [] });
    expect(tandem("service", "list", "--connections").stdout).toMatch(/^PROTOCOL +CLIENT .*\n.* ESTABLISHED +\d+s\n$/);
    const listed = json("service", "list", "--rates", "--interval", "50ms");
    const rates = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };
    expect(listed).toMatchObject({
      services: [{ service: WEB, rates, stats: { connections: 1 }, servers: [{ rates, activeConnections: 1 }] }],
    });
  });

  test("refuses connections of a firewall mark, which the kernel does not tell", () => {
    expect(tandem("service", "list", "fwmark:7", "--connections")).toMatchObject({ stdout: "", exitCode: 1 });
  });
});

test("service timeouts shows and sets what ipvsadm shows", () => {
  expect(tandem("service", "timeouts", "--tcp", "800s", "--udp", "200s").exitCode).toBe(0);
  expect(run("ipvsadm", "-L", "--timeout")).toContain("800 120 200");
  expect(json("service", "timeouts")).toEqual({ version: 1, tcpSeconds: 800, tcpFinSeconds: 120, udpSeconds: 200 });
  run("ipvsadm", "--set", "900", "120", "300");
});

test("service sync-start, sync and sync-stop do what ipvsadm shows", () => {
  run("ip", "link", "add", "sync0", "type", "veth", "peer", "name", "sync1");
  try {
    run("ip", "link", "set", "sync0", "up");
    run("ip", "address", "add", "192.0.2.1/24", "dev", "sync0");
    const words = ["--interface", "sync0", "--sync-id", "7", "--group", "224.0.0.99", "--port", "9000", "--ttl", "2"];
    const started = tandem("service", "sync-start", "master", ...words, "--max-length", "1200");
    expect(started).toEqual({ stdout: "started sync daemon master on sync0\n", stderr: "", exitCode: 0 });
    expect(run("ipvsadm", "-L", "--daemon")).toMatch(
      /master sync daemon \(mcast=sync0, syncid=7, maxlen=1200, .*224\.0\.0\.99.*9000.*2/,
    );
    expect(json("service", "sync")).toEqual({
      version: 1,
      daemons: [
        {
          state: "master",
          interface: "sync0",
          syncId: 7,
          group: "224.0.0.99",
          port: 9000,
          ttl: 2,
          maxLengthBytes: 1200,
        },
      ],
    });
    expect(tandem("service", "sync-start", "master", "--interface", "sync0").exitCode).toBe(1);
    expect(tandem("service", "sync-stop", "master").stdout).toBe("stopped sync daemon master\n");
    expect(tandem("service", "sync-stop", "master").exitCode).toBe(1);
    expect(tandem("service", "sync-stop", "master", "--if-exists").exitCode).toBe(0);
  } finally {
    run("ip", "link", "del", "sync0");
  }
});

describe("vip and a neighbour", () => {
  beforeAll(() => {
    run("ip", "netns", "add", "listings");
    run("ip", "link", "add", "nb0", "type", "veth", "peer", "name", "nb1", "netns", "listings");
    run("ip", "link", "set", "nb0", "up");
    run("ip", "-n", "listings", "link", "set", "nb1", "up");
    run("ip", "address", "add", "203.0.113.1/24", "dev", "nb0");
    run("ip", "-n", "listings", "address", "add", "203.0.113.2/24", "dev", "nb1");
  });
  afterAll(() => {
    run("ip", "link", "del", "nb0");
    run("ip", "netns", "del", "listings");
  });

  test("announce --verify succeeds against a neighbour that learns, and fails against one that does not", () => {
    expect(tandem("vip", "add", "203.0.113.10/24", "--interface", "nb0").exitCode).toBe(0);
    const verify = ["vip", "announce", "203.0.113.10", "--count", "1", "--verify", "203.0.113.2"];
    expect(tandem(...verify).stdout).toMatch(
      /^announced 203\.0\.113\.10 on nb0 \(2 frames, answered by 203\.0\.113\.2 after /,
    );
    // A permanent entry ignores every announcement.
    const entry = ["neigh", "replace", "203.0.113.10", "lladdr", "02:00:00:00:00:99", "dev", "nb1", "nud", "permanent"];
    run("ip", "-n", "listings", ...entry);
    const failed = tandem(...verify);
    expect({ stdout: failed.stdout, exitCode: failed.exitCode }).toEqual({ stdout: "", exitCode: 3 });
    expect(failed.stderr).toContain("203.0.113.2 does not answer to this machine");
    run("ip", "-n", "listings", "neigh", "del", "203.0.113.10", "dev", "nb1");
  });

  test("add --scope and --no-prefix-route are what ip shows", () => {
    const words = ["--interface", "nb0", "--scope", "link", "--no-prefix-route", "--no-announce", "--force"];
    expect(tandem("vip", "add", "192.0.2.10/24", ...words).exitCode).toBe(0);
    expect(run("ip", "-o", "address", "show", "to", "192.0.2.10")).toMatch(
      /192\.0\.2\.10\/24 scope link noprefixroute/,
    );
    expect(run("ip", "route", "show", "192.0.2.0/24")).toBe("");
    run("ip", "address", "del", "192.0.2.10/24", "dev", "nb0");
  });

  test("list --ask tells who else answers, add refuses what somebody has", () => {
    expect(tandem("vip", "add", "203.0.113.2/24", "--interface", "nb0").exitCode).toBe(3);
    const own = tandem("vip", "list", "--interface", "nb0", "--ask").stdout;
    expect(own).toMatch(/203\.0\.113\.10\/32.*this machine only/);
    run("ip", "-n", "listings", "address", "add", "203.0.113.10/32", "dev", "nb1");
    expect(tandem("vip", "list", "--interface", "nb0", "--ask").stdout).toMatch(
      /203\.0\.113\.10\/32.*also [0-9a-f:]{17}/,
    );
  });
});
