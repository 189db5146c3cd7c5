/** What packets prove of a router's surroundings: by which way real servers answer, and who answers for VIPs. */
import { afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { wayFindings } from "../../src/cli/status/way-findings.ts";
import { inNamespace, run } from "../lab/network-namespace.ts";
import { requireLab } from "../support/lab.ts";
import { configOf, PRIVATE_VIP, PUBLIC_VIP } from "./support/network-under-test.ts";

beforeAll(requireLab);

const SERVER = `tdway${process.pid}server`;
const OTHER = `tdway${process.pid}other`;
const SWITCH = `tdway${process.pid}switch`;
const HOSTS = [SWITCH, SERVER, OTHER];
const CONFIG = configOf(
  PUBLIC_VIP,
  PRIVATE_VIP,
  `[[service]]\nname = "web"\nlisten = ["tcp://203.0.113.10:80"]\n[[service.real]]\naddress = "10.0.0.11:8080"\n`,
);

function ip(namespace: string | undefined, ...lines: readonly string[]): void {
  run(["ip", ...(namespace === undefined ? [] : ["-n", namespace]), "-batch", "-"], lines.join("\n"));
}

/** This router has pub0 and pri0; another machine is on both as well, and the server on pri0. */
beforeEach(() => {
  for (const name of HOSTS) run(["ip", "netns", "add", name]);
  ip(
    SWITCH,
    "link add public type bridge",
    "link add private type bridge",
    `link add pub type veth peer name pub0 netns ${process.pid}`,
    `link add pri type veth peer name pri0 netns ${process.pid}`,
    `link add other-pub type veth peer name public netns ${OTHER}`,
    `link add other-pri type veth peer name private netns ${OTHER}`,
    `link add server type veth peer name eth0 netns ${SERVER}`,
    ...["pub", "other-pub"].map((name) => `link set ${name} master public up`),
    ...["pri", "other-pri", "server"].map((name) => `link set ${name} master private up`),
    "link set public up",
    "link set private up",
  );
  ip(
    undefined,
    "address add 203.0.113.2/24 dev pub0",
    "address add 203.0.113.10/24 dev pub0",
    "address add 10.0.0.2/24 dev pri0",
    "address add 10.0.0.1/24 dev pri0",
    "link set pub0 up",
    "link set pri0 up",
  );
  ip(SERVER, "address add 10.0.0.11/24 dev eth0", "link set eth0 up", "route add default via 10.0.0.1");
  ip(
    OTHER,
    "address add 203.0.113.3/24 dev public",
    "address add 10.0.0.3/24 dev private",
    "link set public up",
    "link set private up",
  );
  // A redirect would tell the server the straight way.
  const quiet = ["all", "private"].map((name) => `net.ipv4.conf.${name}.send_redirects=0`);
  inNamespace(OTHER, () => run(["sysctl", "-qw", "net.ipv4.ip_forward=1", ...quiet]));
});

afterEach(() => {
  for (const name of ["pub0", "pri0"]) run(["ip", "link", "delete", name]);
  for (const name of HOSTS) run(["ip", "netns", "delete", name]);
});

const briefly = async () =>
  (await wayFindings(CONFIG)).map(({ severity, name, text }) => `${severity} ${name}: ${text}`);
const NEEDS = "warning way-back: NAT needs answers to come back through this router: 10.0.0.11";

test("a real server whose gateway is this router is well", async () => {
  expect(await briefly()).toEqual([]);
});

test("a real server without a way back is found", async () => {
  ip(SERVER, "route delete default");
  expect(await briefly()).toEqual([
    `${NEEDS} answers to this router's near address but not to 203.0.113.10: what it answers to clients does not come back here, or it drops echo requests from other networks`,
  ]);
});

test("a real server that answers by another router is found, though its answers arrive", async () => {
  ip(SERVER, "route replace default via 10.0.0.3");
  expect(await briefly()).toEqual([
    `${NEEDS} answers 203.0.113.10 by another interface than the one that leads to it: its answers to clients go around this router's NAT`,
  ]);
  // The same with a router that is on the servers' network only.
  ip(OTHER, "route add 203.0.113.10/32 via 10.0.0.2 dev private");
  expect(await briefly()).toEqual([
    `${NEEDS} answers 203.0.113.10 through another router: its answers to clients go around this router's NAT`,
  ]);
});

test("a real server that answers no echo requests is no reason for an alarm", async () => {
  inNamespace(SERVER, () => run(["sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1"]));
  expect(await briefly()).toEqual([]);
});

test("a second machine that answers for a VIP is found, whoever has the VIP", async () => {
  // A real server for direct routing that answers ARP for what is on its loopback.
  ip(OTHER, "link set lo up", "address add 203.0.113.10/32 dev lo");
  expect(await briefly()).toEqual([
    expect.stringMatching(
      /^error vip-answered: 203\.0\.113\.10 is answered for by [0-9a-f:]{17} on pub0 as well as this router: /,
    ),
  ]);
  // A standby hears one, the active, and that is right.
  ip(undefined, "address delete 203.0.113.10/24 dev pub0");
  expect(await briefly()).toEqual([]);
});
