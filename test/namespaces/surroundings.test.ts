/** What this kernel tells of interfaces, addresses and routes, and what the failover machine hears of it. */
import { beforeAll, expect, test } from "bun:test";
import { requireLab } from "../support/lab.ts";
import { configOf, NetworkUnderTest, PRIVATE_VIP, PUBLIC_VIP, THIRD_VIP } from "./support/network-under-test.ts";

beforeAll(requireLab);

const CONFIG = configOf(PUBLIC_VIP, PRIVATE_VIP);
const WELL = "up=true carrier=true sides=public own=true";

test("an interface that is switched off, cut off, on again", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.open();
  expect(lab.surroundings).toEqual({
    interfaces: [
      { name: "pri0", link: { up: true, carrier: true }, sides: ["private"], ownAddress: true },
      { name: "pub0", link: { up: true, carrier: true }, sides: ["public"], ownAddress: true },
    ],
    defaultRoutes: [],
    settingsLost: [],
  });
  const steps: readonly (readonly [string, () => void])[] = [
    ["up=true carrier=false sides=public own=true", () => lab.other("link set pub0 down")],
    [WELL, () => lab.other("link set pub0 up")],
    ["up=false carrier=false sides=public own=true", () => lab.ip("link set pub0 down")],
    [WELL, () => lab.ip("link set pub0 up")],
    ["up=true carrier=true sides=public own=false", () => lab.ip("address del 203.0.113.2/24 dev pub0")],
    [WELL, () => lab.ip("address add 203.0.113.2/24 dev pub0")],
  ];
  for (const [expected, act] of steps) {
    act();
    await lab.until(expected, () => lab.interfaceNow("pub0") === expected);
  }
  expect(lab.problems).toEqual([]);
});

test("a renamed interface is not there by its name, and there by the new one, with the path that it carries", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.open();
  lab.ip("link set pub0 down", "link set pub0 name other0", "link set other0 up");
  await lab.until("pub0 is not there", () => lab.interfaceNow("pub0") === "absent sides= own=true");
  await lab.until("other0 has the path", () => lab.interfaceNow("other0") === WELL);
  lab.ip("link set other0 down", "link set other0 name pub0", "link set pub0 up");
  await lab.until("pub0 is back", () => lab.interfaceNow("pub0") === WELL);
  expect(lab.interfaceNow("other0")).toBe("not reported");
});

test("an interface that is made anew, or appears late, is told of with its MAC, and carries the path again", async () => {
  using lab = new NetworkUnderTest(CONFIG, ["pri0"]);
  lab.open();
  expect(lab.interfaceNow("pub0")).toBe("absent sides= own=true");
  const macOf = (name: string) => lab.last("own-macs")?.macs.find((entry) => entry.interface === name)?.mac;
  const macs: (string | undefined)[] = [macOf("pub0")];
  for (let turn = 0; turn < 2; turn += 1) {
    lab.lay("pub0");
    await lab.until("pub0 is there", () => lab.interfaceNow("pub0") === WELL);
    expect(lab.last("carrier")).toEqual({ kind: "carrier", side: "public", up: true });
    macs.push(macOf("pub0"));
    lab.ip("link delete pub0");
    await lab.until("pub0 is gone", () => lab.interfaceNow("pub0") === "absent sides=public own=false");
    expect(lab.last("carrier")).toEqual({ kind: "carrier", side: "public", up: false });
  }
  expect(new Set(macs).size).toBe(3);
});

test("a changed MAC is told, and questions are asked and answered with it", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.other("address add 203.0.113.10/32 dev pub0");
  lab.open();
  const mac = "02:00:00:00:00:99";
  lab.ip(`link set pub0 address ${mac}`);
  await lab.until("the new MAC is told", () => lab.last("own-macs")?.macs[0]?.mac === (mac as never));
  const [vip] = CONFIG.vips;
  if (vip === undefined) throw new RangeError("no VIP");
  lab.network.askOwners([{ vip }], []);
  await lab.until("the owner answers", () => lab.last("owner-answer")?.address.text === "203.0.113.10");
});

test("a VIP's interface that is neither side's is told of, with and without it", async () => {
  using lab = new NetworkUnderTest(configOf(PUBLIC_VIP, PRIVATE_VIP, THIRD_VIP), ["pub0", "pri0", "third0"]);
  lab.open();
  expect(lab.interfaceNow("third0")).toBe("up=true carrier=true sides= own=true");
  lab.other("link set third0 down");
  await lab.until("no carrier", () => lab.interfaceNow("third0") === "up=true carrier=false sides= own=true");
  lab.ip("link delete third0");
  await lab.until("gone", () => lab.interfaceNow("third0") === "absent sides= own=true");
});

test("a lost default route is told, also one that the kernel drops without a word", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.ip("route add default via 203.0.113.3");
  lab.ip("address add 2001:db8::2/64 dev pub0 nodad", "route add ::/0 via 2001:db8::3");
  lab.open();
  const families = () => lab.surroundings?.defaultRoutes.join(" ");
  expect(families()).toBe("inet inet6");
  const both: readonly string[] = ["route add default via 203.0.113.3"];
  const steps: readonly (readonly [string, readonly string[]])[] = [
    ["inet6", ["route delete default"]],
    ["inet inet6", both],
    // Its interface goes down: of the IPv4 route nothing is told.
    ["", ["link set pub0 down"]],
    ["inet", ["link set pub0 up", ...both]],
    // So it is when the last address goes.
    ["", ["address del 203.0.113.2/24 dev pub0"]],
    ["inet", ["address add 203.0.113.2/24 dev pub0", ...both]],
    // And when a next hop goes that the route is made of.
    ["", ["route delete default"]],
    ["inet", ["nexthop add id 7 via 203.0.113.3 dev pub0", "route add default nhid 7"]],
    ["", ["nexthop delete id 7"]],
    ["inet", both],
    // Of two default routes one may go.
    ["inet", ["route add default via 10.0.0.3 metric 10", "route delete default via 203.0.113.3"]],
    ["", ["route replace unreachable default metric 10"]],
  ];
  for (const [expected, lines] of steps) {
    lab.ip(...lines);
    await lab.until(`after ${lines.join(", ")}: ${expected}`, () => families() === expected);
  }
  expect(lab.problems).toEqual([]);
});

test("50,000 routes that come and go don't hide the default route that goes with them", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.ip("route add default via 203.0.113.3");
  lab.open();
  const routes = Array.from(
    { length: 50_000 },
    (_, index) => `172.${16 + (index >> 14)}.${(index >> 6) & 255}.${(index & 63) * 4}/30`,
  );
  // In one go, while this process does not read: all messages wait, or are lost.
  lab.ip(...routes.map((route) => `route add ${route} via 203.0.113.3`), "route delete default");
  await lab.until("the default route is lost", () => lab.surroundings?.defaultRoutes.length === 0);
  lab.ip(...routes.map((route) => `route delete ${route}`), "route add default via 203.0.113.3");
  await lab.until("it is back", () => lab.surroundings?.defaultRoutes.join() === "inet");
  expect(lab.problems).toEqual([]);
});

const NAT = `[[service]]
name = "web"
listen = "tcp://203.0.113.10:80"
forward = "nat"
check = false
[[service.real]]
address = "10.0.0.11:80"
`;

test("forwarding that somebody switches off is told of, and so is its return", async () => {
  using lab = new NetworkUnderTest(configOf(PUBLIC_VIP, PRIVATE_VIP, NAT));
  const set = (value: number) => Bun.write("/proc/sys/net/ipv4/ip_forward", `${value}\n`);
  await set(1);
  lab.open();
  expect(lab.surroundings?.settingsLost).toEqual([]);
  await set(0);
  await lab.until("it is lost", () => lab.surroundings?.settingsLost.join() === "net.ipv4.ip_forward");
  await set(1);
  await lab.until("it is back", () => lab.surroundings?.settingsLost.length === 0);
});
