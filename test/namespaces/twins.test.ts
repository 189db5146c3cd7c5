/** Another machine with this router's own addresses, and what is none. */
import { beforeAll, expect, test } from "bun:test";
import type { OwnerAnswer } from "../../src/kernel/neighbours/owner-probe.ts";
import { requireLab } from "../support/lab.ts";
import { configOf, NetworkUnderTest, PRIVATE_VIP, PUBLIC_VIP } from "./support/network-under-test.ts";

beforeAll(requireLab);

const CONFIG = configOf(PUBLIC_VIP, PRIVATE_VIP);
const ROUNDS = 3;

/** Opens the router's eyes, until all questions of the start have been asked and every answer to them is here. */
async function openAndAsk(lab: NetworkUnderTest, heardOn = "pub0", answers = 2): Promise<void> {
  let probes = 0;
  const count = ({ kind }: OwnerAnswer) => {
    if (kind === "probe") probes += 1;
  };
  using _ = lab.onOthers(() => lab.witness(heardOn, ["203.0.113.2"], count));
  lab.open();
  await lab.until("all have been asked", () => probes >= ROUNDS);
  // A kernel answers in order.
  lab.network.askOwners([], [{ side: "public" }, { side: "private" }]);
  const sides = () => new Set(lab.all("peer-answer").map(({ side }) => side));
  await lab.until("the peer has answered at last", () => sides().size === answers);
}

test("a clone is found at the start, on each side that it has an address of", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.other("address add 203.0.113.2/24 dev pub0");
  lab.open();
  await lab.until("it is told three times", () => lab.all("twin").length === ROUNDS);
  const twin = { kind: "twin", side: "public", mac: lab.macOnOthers("pub0") } as const;
  expect(lab.all("twin")).toEqual([twin, twin, twin]);
});

test("a clone of IPv6 is found too", async () => {
  const config = {
    ...CONFIG,
    pair: { ...CONFIG.pair, primary: { ...CONFIG.pair.primary, private: { family: "inet6", text: "2001:db8::2" } } },
  } as const;
  using lab = new NetworkUnderTest(config);
  lab.other("address add 2001:db8::2/64 dev pri0 nodad");
  await lab.until("its address is ready", () => !lab.shownOnOthers("pri0").includes("tentative"));
  lab.ip("address add 2001:db8::2/64 dev pri0 nodad");
  lab.open();
  await lab.until("it is told", () => lab.all("twin").length > 0);
  expect(lab.last("twin")).toEqual({ kind: "twin", side: "private", mac: lab.macOnOthers("pri0") });
});

test("an interface that appears late is asked on too", async () => {
  using lab = new NetworkUnderTest(CONFIG, ["pri0"]);
  lab.open();
  lab.lay("pub0");
  lab.other("address add 203.0.113.2/24 dev pub0");
  await lab.until("it is told", () => lab.all("twin").length > 0);
});

test("no twin where there is only the peer", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  await openAndAsk(lab);
  expect(lab.all("twin")).toEqual([]);
});

test("nobody is asked for an address that this router has not got", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.other("address add 10.0.0.2/24 dev pri0");
  lab.ip("address delete 10.0.0.2/24 dev pri0", "address add 10.0.0.9/24 dev pri0");
  await openAndAsk(lab, "pub0", 1);
  expect(lab.all("twin")).toEqual([]);
});

test("no twin where a neighbour is a proxy for every address", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  for (const name of ["all", "pub0", "pri0"]) {
    lab.setOnOthers(`net.ipv4.conf.${name}.proxy_arp`, 1);
    lab.setOnOthers(`net.ipv4.conf.${name}.forwarding`, 1);
  }
  // It has a way to this router's public address by its private side: it would answer an ordinary question.
  lab.other("route add 203.0.113.2/32 via 10.0.0.2");
  await openAndAsk(lab);
  expect(lab.all("twin")).toEqual([]);
});

test("no twin where both sides are on one bridge: this machine answers itself", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.other("link add name br0 type bridge", "link set br0 up", "link set pub0 master br0", "link set pri0 master br0");
  lab.other("address add 203.0.113.3/24 dev br0", "address add 10.0.0.3/24 dev br0");
  await openAndAsk(lab, "br0");
  expect(lab.all("twin")).toEqual([]);
});
