/** What the listings show of connections that are there, and the settings that IPVS has once. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { requireLab, run } from "../support/lab.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/tandem");
const VIP = "198.51.100.80";
const SERVER = "198.51.100.81";
const WEB = `tcp://${VIP}:80`;

/** Many times the kernel's two seconds: the program may take as long to start. */
const COUNTED_WITHIN_MS = 60_000;

interface Listed {
  readonly services: readonly { readonly stats: { readonly connections: number } }[];
}

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
    // Connections of other tests may still be in the kernel's table: by the service there is but this one.
    expect(tandem("service", "list", WEB, "--connections").stdout).toMatch(
      /^PROTOCOL +CLIENT .*\n.* ESTABLISHED +\d+s\n$/,
    );
    const list = () => json("service", "list", "--rates", "--interval", "100ms") as Listed;
    // The kernel may add its processors' counters up every two seconds only (net/netfilter/ipvs/ip_vs_est.c).
    const untilMs = performance.now() + COUNTED_WITHIN_MS;
    let listed = list();
    while (listed.services[0]?.stats.connections !== 1 && performance.now() < untilMs) listed = list();
    // It may have done so between this list's two readings, which then show a rate.
    listed = list();
    const rates = { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 };
    expect(listed).toMatchObject({
      services: [{ service: WEB, rates, stats: { connections: 1 }, servers: [{ rates, activeConnections: 1 }] }],
    });
  });

  test("refuses connections of a firewall mark, which the kernel does not tell", () => {
    expect(tandem("service", "list", "fwmark:7", "--connections")).toMatchObject({ stdout: "", exitCode: 1 });
  });
});

/** What a program shows on a terminal of that many columns. `--watch` is ended after a page or more. */
function onTerminal(columns: number, command: string): string[] {
  const { stdout } = Bun.spawnSync(["script", "-qec", `stty cols ${columns} rows 24; ${command}`, "/dev/null"], {
    env: { PATH: "/usr/sbin:/usr/bin", NO_COLOR: "1" },
  });
  return stdout.toString().replaceAll("\r", "").split("\n");
}

describe("in a terminal", () => {
  const LONG = "udp://[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
  beforeAll(() => {
    run("ipvsadm", "-C");
    run("ipvsadm", "-A", "-u", LONG.slice(6), "-s", "sh", "-b", "sh-port,sh-fallback", "-p", "300", "-M", "64", "-o");
    const server = ["-r", "[2001:db8:1111:2222:3333:4444:5555:7777]:65535", "-i", "--tun-type", "gue"];
    run("ipvsadm", "-a", "-u", LONG.slice(6), ...server, "--tun-port", "6080", "-x", "1000", "-y", "500");
  });
  afterAll(() => {
    run("ipvsadm", "-C");
  });

  test.each([80, 132, 240])("of %d columns no line of a listing is longer, and the weight is there", (columns) => {
    for (const listing of ["service list", "real list", "service list --stats"]) {
      const lines = onTerminal(columns, `${PROGRAM} ${listing}`);
      expect(lines.filter((line) => Bun.stringWidth(line) > columns)).toEqual([]);
      expect(lines.length).toBeGreaterThan(2);
      if (!listing.endsWith("--stats")) expect(lines[0]).toContain("WEIGHT");
    }
  });

  test("real list --watch clears the screen once and then draws over it again and again", async () => {
    const command = [
      "script",
      "-qec",
      `stty cols 80 rows 24; ${PROGRAM} real list --watch --interval 100ms`,
      "/dev/null",
    ];
    // Closing the terminal ends what runs in it.
    await using shown = Bun.spawn(command, { env: { PATH: "/usr/sbin:/usr/bin" }, stdin: "ignore", stdout: "pipe" });
    let text = "";
    for await (const chunk of shown.stdout) {
      text += new TextDecoder().decode(chunk);
      if (text.split("\u001b[H").length > 3) break;
    }
    expect(text.split("\u001b[2J").length).toBe(2);
    expect(text.split("\u001b[J").length).toBeGreaterThan(2);
  });
});

test("real list --watch prints one page after the other where there is no terminal, until nobody reads", () => {
  run("ipvsadm", "-A", "-f", "9");
  run("ipvsadm", "-a", "-f", "9", "-r", "10.0.0.11:80", "-m");
  const { stdout, exitCode } = Bun.spawnSync([
    "bash",
    "-c",
    `${PROGRAM} real list --watch --interval 100ms | head -n 5; exit "\${PIPESTATUS[0]}"`,
  ]);
  const page = [
    "SERVICE   REAL SERVER   FORWARD  WEIGHT  ACTIVE  INACTIVE  PERSISTENT",
    "fwmark:9  10.0.0.11:80  nat           1       0         0           0",
  ];
  expect({ lines: stdout.toString().split("\n"), exitCode }).toEqual({
    lines: [...page, "", ...page, ""],
    exitCode: 0,
  });
  expect(json("real", "list")).toMatchObject({
    version: 1,
    servers: [{ service: "fwmark:9", server: "10.0.0.11:80" }],
  });
  run("ipvsadm", "-C");
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
    expect(failed.stderr).toContain("203.0.113.2 answers 203.0.113.1 but not 203.0.113.10");
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
