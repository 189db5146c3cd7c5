/** A VIP on an interface that is neither side's, and where this router has no address of its own. */
import { beforeAll, expect, test } from "bun:test";
import type { Vip } from "../../src/model/vip.ts";
import { run } from "../lab/network-namespace.ts";
import { requireLab } from "../support/lab.ts";
import { configOf, NetworkUnderTest, PRIVATE_VIP, PUBLIC_VIP, THIRD_VIP } from "./support/network-under-test.ts";

beforeAll(requireLab);

const NEIGHBOUR = "198.51.100.1";
const SERVER = `[[service]]
name = "web"
listen = "tcp://203.0.113.10:80"
forward = "direct"
check = false
[[service.real]]
address = "${NEIGHBOUR}:80"
`;
const CABLES = ["pub0", "pri0", "third0"] as const;

const CONFIG = configOf(PUBLIC_VIP, PRIVATE_VIP, THIRD_VIP, SERVER);

function thirdVip(): Vip {
  const found = CONFIG.vips.find((vip) => vip.interface === "third0");
  if (found === undefined) throw new RangeError("no VIP");
  return found;
}

/** What the other machine has in its ARP table of the VIP. */
function knownMac(lab: NetworkUnderTest): string | undefined {
  const shown = lab.onOthers(() => run(["ip", "-json", "neigh", "show", "198.51.100.10", "dev", "third0"]));
  return JSON.parse(shown)[0]?.lladdr;
}

test("its neighbours are asked, and what is heard there is told at each interval", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.open();
  const told = () => lab.network.evidence().find((input) => input.kind === "interface-evidence");
  const nothing = { kind: "interface-evidence", interface: "third0", askable: true } as const;
  expect(told()).toMatchObject(nothing);
  expect(told()?.lastNeighbourAtMs).toBeUndefined();
  lab.network.askNeighbours();
  await lab.until("the neighbour answers", () => lab.last("interface-evidence")?.lastNeighbourAtMs !== undefined);
  expect(lab.last("interface-evidence")?.lastFrameAtMs).toBeNumber();
  // Not a word of it is of a side's.
  expect(lab.all("evidence")).toEqual([]);
  lab.ip("link delete third0");
  await lab.until("it is gone", () => lab.interfaceNow("third0").startsWith("absent"));
  expect(told()).toMatchObject({ interface: "third0" });
});

test("the gateway of a route by it is a neighbour too", async () => {
  const config = configOf(PUBLIC_VIP, PRIVATE_VIP, THIRD_VIP);
  using lab = new NetworkUnderTest(config, CABLES);
  lab.open();
  expect(lab.network.evidence().map((input) => "askable" in input && input.askable)).toEqual([false, false, false]);
  lab.ip(`route add default via ${NEIGHBOUR} dev third0 onlink`);
  await lab.until("the route is known", () => lab.surroundings?.defaultRoutes.join() === "inet");
  lab.network.askNeighbours();
  await lab.until("the gateway answers", () => lab.last("interface-evidence")?.lastNeighbourAtMs !== undefined);
});

test("it is announced to its neighbours, and verified by them", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.open();
  const vip = thirdVip();
  lab.network.askNeighbours();
  await lab.until("the neighbour answers", () => lab.all("interface-evidence").length > 0);
  expect(await lab.outcomes({ kind: "lease", vips: [vip], validSeconds: 300 })).toEqual([{ kind: "created" }]);
  lab.other(`neigh replace 198.51.100.10 lladdr 02:00:00:00:00:66 dev third0 nud stale`);
  lab.network.announce([vip], true, new Map());
  const mine = lab.last("own-macs")?.macs.find((entry) => entry.interface === "third0")?.mac;
  await lab.until("the neighbour has learnt it", () => knownMac(lab) === mine);
  lab.network.verify(7, [vip]);
  await lab.until("the neighbour confirms it", () => lab.all("verify-answer").length > 0);
  expect(lab.last("verify-answer")).toMatchObject({
    verification: 7,
    address: vip.prefix.address,
    by: { text: NEIGHBOUR },
  });
});
