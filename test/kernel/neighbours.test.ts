/** Announcing and asking, judged by what a real kernel on the other end of a cable makes of it. */
import { describe, expect, test } from "bun:test";
import { writeSysctl } from "../../src/kernel/machine/sysctl.ts";
import { Announcer } from "../../src/kernel/neighbours/announcer.ts";
import { findOtherOwner } from "../../src/kernel/neighbours/duplicate-probe.ts";
import { asEthernetLink } from "../../src/kernel/neighbours/ethernet-link.ts";
import { announcementsTo } from "../../src/kernel/neighbours/neighbour-frames.ts";
import { type OwnerAnswer, OwnerProbe } from "../../src/kernel/neighbours/owner-probe.ts";
import { address } from "../../src/model/address.ts";
import type { MacAddress } from "../../src/model/mac-address.ts";
import { closeFd } from "../../src/sys/libc/fd.ts";
import { openFrameSender, sendFrame } from "../../src/sys/sockets/packet-socket.ts";
import { Arrivals } from "./support/arrivals.ts";
import { VethPair } from "./support/veth-pair.ts";

const FAMILIES = [
  {
    family: "inet",
    vip: address("192.0.2.10"),
    other: address("192.0.2.11"),
    left: address("192.0.2.1"),
    right: address("192.0.2.2"),
  },
  {
    family: "inet6",
    vip: address("2001:db8::10"),
    other: address("2001:db8::11"),
    left: address("2001:db8::1"),
    right: address("2001:db8::2"),
  },
] as const;

const OLD_MAC = "02:00:00:00:00:99";

/** Gives the right side the VIP. */
function addVip(pair: VethPair, vip: { text: string; family: string }): void {
  pair.addAddress("right", `${vip.text}/${vip.family === "inet" ? 32 : 128}`);
}

/** The neighbour entry of an address on the left side: its MAC and state. */
function entry(pair: VethPair, text: string): { mac: string | undefined; state: string | undefined } {
  const words = pair.ip("left", "neigh", "show", text, "dev", "eth0").trim().split(/\s+/);
  return { mac: words[words.indexOf("lladdr") + 1], state: words.at(-1) };
}

describe.each(FAMILIES)("Announcer ($family)", ({ vip, left }) => {
  test("makes a neighbour forget the old owner's MAC", () => {
    using pair = new VethPair();
    addVip(pair, vip);
    pair.ip("left", "neigh", "replace", vip.text, "lladdr", OLD_MAC, "dev", "eth0", "nud", "stale");
    const link = pair.link("right");
    using announcer = pair.inside("right", () => Announcer.open());
    const outcome = announcer.announce(vip, link, "request");
    expect([outcome, entry(pair, vip.text)]).toEqual([
      { sentFrames: 1, failures: [] },
      { mac: `${link.mac}`, state: "STALE" },
    ]);
  });

  test("by unicast makes the entry reachable at once, or renews it", () => {
    using pair = new VethPair();
    addVip(pair, vip);
    pair.ip("left", "neigh", "replace", vip.text, "lladdr", OLD_MAC, "dev", "eth0", "nud", "stale");
    const [here, there] = [pair.link("right"), pair.link("left")];
    using announcer = pair.inside("right", () => Announcer.open());
    const neighbour = { address: left, mac: there.mac ?? ("" as MacAddress) };
    const outcome = announcer.announce(vip, here, "both", [neighbour]);
    expect(outcome).toEqual({ sentFrames: vip.family === "inet" ? 4 : 2, failures: [] });
    // RFC 4861 section 7.2.5: an unsolicited advertisement never makes an entry reachable.
    expect(entry(pair, vip.text)).toEqual({ mac: `${here.mac}`, state: vip.family === "inet" ? "REACHABLE" : "STALE" });
  });

  test("by unicast alone reaches a neighbour whose entry has just changed", () => {
    using pair = new VethPair();
    addVip(pair, vip);
    const [here, there] = [pair.link("right"), pair.link("left")];
    const ethernet = asEthernetLink(here);
    if (ethernet === undefined) throw new Error("no Ethernet");
    const neighbour = { address: left, mac: there.mac ?? ("" as MacAddress) };
    const sender = pair.inside("right", openFrameSender);
    try {
      pair.ip("left", "neigh", "replace", vip.text, "lladdr", OLD_MAC, "dev", "eth0", "nud", "stale");
      // Linux takes no reply for a second after that (locktime) unless it is gratuitous.
      for (const frame of announcementsTo(vip, ethernet, neighbour, false)) sendFrame(sender, frame, here.index);
      expect(entry(pair, vip.text).mac).toBe(`${here.mac}`);
    } finally {
      closeFd(sender);
    }
  });

  test("reports an interface that is down, and a link without Ethernet", () => {
    using pair = new VethPair();
    const link = pair.link("right");
    using announcer = pair.inside("right", () => Announcer.open());
    pair.linkDown("right");
    expect([
      announcer.announce(vip, link, "request"),
      announcer.announce(vip, { ...link, loopback: true }, "request"),
      announcer.announce(vip, { ...link, index: 999 }, "request"),
    ]).toEqual([
      { sentFrames: 0, failures: ["ENETDOWN"] },
      { sentFrames: 0, failures: ["not Ethernet"] },
      { sentFrames: 0, failures: ["ENXIO"] },
    ]);
  });
});

test("Announcer says that it is a router where IPv6 is forwarded, and only there", () => {
  using pair = new VethPair();
  const vip = address("2001:db8::10");
  addVip(pair, vip);
  pair.ip("left", "neigh", "replace", vip.text, "lladdr", OLD_MAC, "dev", "eth0", "nud", "stale", "router");
  // A host takes whoever says that it is no router any more from its list of routers.
  const isRouter = () => pair.ip("left", "-6", "neigh", "show", vip.text).includes(" router ");
  using announcer = pair.inside("right", () => Announcer.open());
  const isRouterAfter = (forwarding: string) => {
    pair.inside("right", () => {
      writeSysctl("net/ipv6/conf/eth0/forwarding", forwarding);
      announcer.announce(vip, pair.link("right"), "both");
    });
    return isRouter();
  };
  expect([isRouter(), isRouterAfter("0"), isRouterAfter("1")]).toEqual([true, false, true]);
});

describe.each(FAMILIES)("OwnerProbe ($family)", ({ vip, other, left, right }) => {
  /** A probe on the left side that listens for the VIP. */
  function open(pair: VethPair, addresses = [vip]) {
    const answers = new Arrivals<OwnerAnswer>();
    const link = pair.link("left");
    const probe = pair.inside("left", () => OwnerProbe.open({ watched: [{ link, addresses }], onAnswer: answers.add }));
    return { probe, answers, link, [Symbol.dispose]: () => probe.close() };
  }

  test("hears the owner's kernel when it asks its MAC from an own address", async () => {
    using pair = new VethPair();
    addVip(pair, vip);
    using asking = open(pair);
    const owner = pair.link("right");
    expect(asking.probe.ask(vip, asking.link, left, owner.mac)).toEqual({ kind: "sent" });
    expect(await asking.answers.first(() => true)).toEqual({
      address: vip,
      mac: owner.mac ?? ("" as MacAddress),
      kind: "answer",
      interface: "eth0",
      interfaceIndex: asking.link.index,
    });
  });

  test("hears the owner when it asks everybody, from an own address or from none", async () => {
    using pair = new VethPair();
    addVip(pair, vip);
    using asking = open(pair);
    for (const from of [left, undefined]) {
      asking.answers.values.length = 0;
      asking.probe.ask(vip, asking.link, from, undefined);
      expect(await asking.answers.first(() => true)).toMatchObject({ address: vip, mac: pair.link("right").mac });
    }
  });

  test("hears nobody when the address is gone, and only those it listens for", async () => {
    using pair = new VethPair();
    using asking = open(pair, [vip, right]);
    const mac = pair.link("right").mac;
    asking.probe.ask(vip, asking.link, left, mac);
    asking.probe.ask(other, asking.link, left, mac);
    // The kernel answers in order: when this answer is here, none for the others will come.
    asking.probe.ask(right, asking.link, left, mac);
    await asking.answers.first((answer) => answer.address.text === right.text);
    expect(asking.answers.values.map((answer) => answer.address)).toEqual([right]);
  });

  test("drain() reads the answers that wait, before the event loop turns", () => {
    using pair = new VethPair();
    addVip(pair, vip);
    using asking = open(pair);
    asking.probe.ask(vip, asking.link, left, pair.link("right").mac);
    asking.probe.ask(vip, asking.link, left, pair.link("right").mac);
    const drained: OwnerAnswer[] = [];
    pair.until(() => drained.push(...asking.probe.drain()) >= 2);
    expect([drained.map((answer) => answer.kind), asking.answers.values]).toEqual([["answer", "answer"], []]);
  });

  test("hears another machine announce the VIP, and begin to take it", async () => {
    using pair = new VethPair();
    using asking = open(pair);
    const link = pair.link("right");
    using announcer = pair.inside("right", () => Announcer.open());
    announcer.announce(vip, link, "both");
    using taker = pair.inside("right", () => OwnerProbe.open({ watched: [], onAnswer: () => {} }));
    taker.ask(vip, link, undefined, undefined);
    await asking.answers.first((answer) => answer.kind === "probe");
    const kinds = vip.family === "inet" ? ["announcement", "announcement", "probe"] : ["announcement", "probe"];
    expect(asking.answers.values.map((answer) => answer.kind)).toEqual(kinds as OwnerAnswer["kind"][]);
  });

  test("goes on when the interface went down and came back", async () => {
    using pair = new VethPair();
    addVip(pair, vip);
    using asking = open(pair);
    pair.linkDown("left");
    expect(asking.probe.ask(vip, asking.link, left, pair.link("right").mac)).toEqual({
      kind: "failed",
      errnoName: "ENETDOWN",
    });
    // Let the event loop see the error.
    await new Promise((resolve) => setImmediate(resolve));
    pair.linkUp("left");
    asking.probe.ask(vip, asking.link, undefined, pair.link("right").mac);
    expect(await asking.answers.first(() => true)).toMatchObject({ address: vip, mac: pair.link("right").mac });
  });

  test("leaves out links that went away, and listens on the others", async () => {
    using pair = new VethPair();
    addVip(pair, vip);
    const answers = new Arrivals<OwnerAnswer>();
    const link = pair.link("left");
    const watched = [{ ...link, index: 999 }, link].map((each) => ({ link: each, addresses: [vip] }));
    using probe = pair.inside("left", () => OwnerProbe.open({ watched, onAnswer: answers.add }));
    probe.ask(vip, link, left, undefined);
    expect(await answers.first(() => true)).toMatchObject({ address: vip });
  });

  test("listens for many addresses at once", async () => {
    using pair = new VethPair();
    addVip(pair, vip);
    const prefix = vip.family === "inet" ? "198.51.100." : "2001:db8:1::";
    for (const count of [199, 200]) {
      const crowd = Array.from({ length: count }, (_, index) => address(`${prefix}${index + 1}`));
      using asking = open(pair, [...crowd, vip]);
      asking.probe.ask(vip, asking.link, left, pair.link("right").mac);
      expect(await asking.answers.first(() => true)).toMatchObject({ address: vip });
    }
  });
});

describe.each(FAMILIES)("findOtherOwner() ($family)", ({ vip }) => {
  test("finds the owner, and nobody where there is none", async () => {
    using pair = new VethPair();
    const link = pair.link("left");
    const find = () => pair.inside("left", () => findOtherOwner(vip, link, { attempts: 1, waitMs: 20 }));
    expect(await find()).toBeUndefined();
    addVip(pair, vip);
    expect(await find()).toMatchObject({ address: vip, mac: pair.link("right").mac });
  });
});
