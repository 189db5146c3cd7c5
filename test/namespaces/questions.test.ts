/** Questions to the peer's kernel, and what it answers whatever its settings are. */
import { beforeAll, describe, expect, test } from "bun:test";
import type { Config } from "../../src/config/keys/config.ts";
import { LinkClient } from "../../src/kernel/addresses/link-client.ts";
import { Announcer } from "../../src/kernel/neighbours/announcer.ts";
import { address } from "../../src/model/address.ts";
import type { MacAddress } from "../../src/model/mac-address.ts";
import { run } from "../lab/network-namespace.ts";
import { requireLab } from "../support/lab.ts";
import {
  type Cable,
  configOf,
  NetworkUnderTest,
  PRIVATE_VIP,
  PUBLIC_VIP,
  THIRD_VIP,
} from "./support/network-under-test.ts";

beforeAll(requireLab);

const CABLES = ["pub0", "pri0", "third0"] as const;
const CONFIG = configOf(PUBLIC_VIP, PRIVATE_VIP, THIRD_VIP);
const SIDES = { public: "pub0", private: "pri0" } as const;

/** A peer with these settings on all its interfaces, and the VIPs where it has them. */
function peerWith(settings: Readonly<Record<string, number>>, config: Config = CONFIG, holds = true): NetworkUnderTest {
  const lab = new NetworkUnderTest(config, CABLES);
  for (const { interface: name, prefix } of holds ? config.vips : []) {
    lab.other(`address add ${prefix.address.text}/${prefix.address.family === "inet" ? 32 : 128} dev ${name}`);
  }
  for (const [name, value] of Object.entries(settings)) {
    for (const cable of ["all", ...CABLES]) lab.setOnOthers(`net.ipv4.conf.${cable}.${name}`, value);
  }
  lab.open();
  return lab;
}

/** How many answers one round of questions to these MACs gets, by interface for VIPs and by side for own addresses. */
async function answersTo(
  lab: NetworkUnderTest,
  config: Config,
  macOf: (cable: Cable) => MacAddress | undefined,
): Promise<Readonly<Record<string, number>>> {
  const known = (cable: Cable) => {
    const mac = macOf(cable);
    return mac === undefined ? {} : { mac };
  };
  const questions = config.vips.map((vip) => ({ vip, ...known(vip.interface as Cable) }));
  const peer = (["public", "private"] as const).map((side) => ({ side, ...known(SIDES[side]) }));
  lab.network.askOwners(questions, peer);
  // Asked last on its interface, and a kernel answers in order: when it is here, no other answer will come.
  lab.network.askOwners([], peer);
  const perSide = (side: "public" | "private") => lab.all("peer-answer").filter((input) => input.side === side).length;
  const perRound = macOf("pub0") === undefined ? 1 : 2;
  await lab.until("the peer answers for its own addresses", () => {
    return perSide("public") >= 2 * perRound && perSide("private") >= 2 * perRound;
  });
  const places = lab.all("owner-answer").map((input) => input.interface);
  const counts = CABLES.map((cable) => [cable, places.filter((name) => name === cable).length] as const);
  return Object.fromEntries([...counts, ["public", perSide("public") / 2], ["private", perSide("private") / 2]]);
}

const DIRECT = (server: string) => `[[service]]
name = "web"
listen = "tcp://203.0.113.10:80"
forward = "direct"
check = false
[[service.real]]
address = "${server}:80"
`;

describe("each VIP is asked for on its own interface, by unicast in two forms, and so are the peer's own addresses", () => {
  // This router has no address on the third interface: there is one form only.
  const all = { pub0: 2, pri0: 2, third0: 1, public: 2, private: 2 };

  test.each([
    ["no settings", {}],
    ["arp_ignore 1", { arp_ignore: 1 }],
    ["arp_ignore 2", { arp_ignore: 2 }],
    ["arp_ignore 3", { arp_ignore: 3 }],
    ["arp_filter", { arp_filter: 1 }],
    ["strict rp_filter", { rp_filter: 1 }],
    ["proxy_arp", { proxy_arp: 1, forwarding: 1 }],
  ] as const)("a kernel with %s answers all of them", async (_, settings) => {
    using lab = peerWith(settings);
    expect(await answersTo(lab, CONFIG, (cable) => lab.macOnOthers(cable))).toEqual(all);
  });

  const other = configOf(PUBLIC_VIP.replace("203.0.113.10", "192.0.2.10"), PRIVATE_VIP, THIRD_VIP);

  test("a VIP of another subnet than the asker's: arp_ignore 2 keeps one form from being answered, not the other", async () => {
    using lab = peerWith({ arp_ignore: 2 }, other);
    const answers = await answersTo(lab, other, (cable) => lab.macOnOthers(cable));
    expect(answers).toEqual({ ...all, pub0: 1 });
  });

  test("a proxy for a VIP that is elsewhere answers one form, not the other", async () => {
    using lab = peerWith({ proxy_arp: 1, forwarding: 1 }, other, false);
    lab.other("route add 192.0.2.0/24 via 10.0.0.77");
    const answers = await answersTo(lab, other, (cable) => lab.macOnOthers(cable));
    expect(answers).toEqual({ ...all, pub0: 1, pri0: 0, third0: 0 });
  });

  test("an unknown MAC is asked for by broadcast, once", async () => {
    using lab = peerWith({});
    expect(await answersTo(lab, CONFIG, () => undefined)).toEqual({
      pub0: 1,
      pri0: 1,
      third0: 1,
      public: 1,
      private: 1,
    });
    expect(lab.last("peer-answer")?.mac).toBe(lab.macOnOthers("pri0"));
  });
});

test("IPv6: one form, from an own address", async () => {
  const config = configOf(
    PUBLIC_VIP,
    PRIVATE_VIP,
    THIRD_VIP,
    `[[vip]]\naddress = "2001:db8::10/64"\ninterface = "pub0"\n`,
  );
  using lab = new NetworkUnderTest(config, CABLES);
  lab.ip("address add 2001:db8::2/64 dev pub0 nodad");
  lab.other("address add 2001:db8::10/128 dev pub0 nodad");
  lab.open();
  const vip = config.vips.find(({ prefix }) => prefix.address.family === "inet6");
  if (vip === undefined) throw new RangeError("no VIP");
  const mac = lab.macOnOthers("pub0");
  await lab.until("the peer's kernel has its address ready", () => {
    lab.network.askOwners([{ vip, mac }], []);
    return lab.all("owner-answer").length > 0;
  });
  expect(lab.last("owner-answer")).toEqual({
    kind: "owner-answer",
    address: vip.prefix.address,
    mac,
    interface: "pub0",
  });
});

test("answers of VIPs come before answers of the peer's own addresses, whichever came first", () => {
  using lab = peerWith({});
  const [vip] = CONFIG.vips;
  if (vip === undefined) throw new RangeError("no VIP");
  const mac = lab.macOnOthers("pub0");
  using witness = lab.witness("pub0", ["203.0.113.10", "203.0.113.3"]);
  lab.network.askOwners([], [{ side: "public", mac }]);
  lab.network.askOwners([{ vip, mac }], [{ side: "public", mac }]);
  const arrived: string[] = [];
  // The event loop does not turn meanwhile: what comes waits in the sockets.
  while (arrived.length < 6) {
    arrived.push(...witness.drain().map((answer) => answer.address.text));
    run(["ip", "-V"]);
  }
  expect(arrived.slice(0, 2)).toEqual(["203.0.113.3", "203.0.113.3"]);
  const kinds = lab.network.drain().map(({ kind }) => kind);
  expect(kinds).toEqual([
    ...Array.from({ length: 2 }, () => "owner-answer" as const),
    ...Array.from({ length: 4 }, () => "peer-answer" as const),
  ]);
});

test("a peer whose MAC has changed answers with the new one, and what it says to all is no answer", async () => {
  using lab = peerWith({});
  const before = lab.macOnOthers("pub0");
  const after = "02:00:00:00:00:77" as MacAddress;
  lab.other(`link set pub0 address ${after}`);
  lab.onOthers(() => {
    using links = LinkClient.open();
    using announcer = Announcer.open();
    const link = links.get("pub0");
    if (link === undefined) throw new RangeError("no link");
    expect(announcer.announce(address("203.0.113.3"), link, "both").sentFrames).toBe(2);
  });
  expect(lab.network.drain()).toEqual([]);
  lab.network.askOwners([], [{ side: "public", mac: before }, { side: "public" }]);
  await lab.until("it answers", () => lab.all("peer-answer").length > 0);
  expect(lab.all("peer-answer")).toEqual([{ kind: "peer-answer", side: "public", mac: after }]);
});

test("a real server with the peer's own address is evidence of nothing", async () => {
  using lab = peerWith({}, configOf(PUBLIC_VIP, PRIVATE_VIP, DIRECT("10.0.0.3")));
  lab.network.askNeighbours();
  lab.network.askOwners([], [{ side: "private", mac: lab.macOnOthers("pri0") }]);
  await lab.until("it answers", () => lab.all("peer-answer").length > 0);
  const evidence = [...lab.network.evidence(), ...lab.all("evidence")].filter((input) => input.kind === "evidence");
  expect(evidence.filter((input) => input.askable || input.lastNeighbourAtMs !== undefined)).toEqual([]);
});
