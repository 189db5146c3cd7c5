/** Heartbeats, echoes, counters and watched sockets on a cable between two network namespaces. */
import { describe, expect, test } from "bun:test";
import { type EchoAnswer, Reachability } from "../../src/kernel/filter/reachability.ts";
import { Announcer } from "../../src/kernel/neighbours/announcer.ts";
import { FrameWatch } from "../../src/kernel/neighbours/frame-watch.ts";
import { HeartbeatSocket } from "../../src/kernel/neighbours/heartbeat-socket.ts";
import { address } from "../../src/model/address.ts";
import { closeFd } from "../../src/sys/libc/fd.ts";
import { watchDatagrams } from "../../src/sys/process/readiness.ts";
import { openNetlinkSocket } from "../../src/sys/sockets/netlink-socket.ts";
import { openFrameReceiver } from "../../src/sys/sockets/packet-socket.ts";
import { drainDatagrams } from "../../src/sys/sockets/socket.ts";
import { Arrivals } from "./support/arrivals.ts";
import { type Side, VethPair } from "./support/veth-pair.ts";

const FAMILIES = [
  {
    family: "inet",
    vip: address("192.0.2.10"),
    left: address("192.0.2.1"),
    right: address("192.0.2.2"),
    absent: address("192.0.2.77"),
    etherType: 0x0800,
    /** The traffic class in a frame. */
    trafficClass: (frame: Uint8Array) => frame[15],
  },
  {
    family: "inet6",
    vip: address("2001:db8::10"),
    left: address("2001:db8::1"),
    right: address("2001:db8::2"),
    absent: address("2001:db8::77"),
    etherType: 0x86dd,
    trafficClass: (frame: Uint8Array) => (((frame[14] ?? 0) & 0x0f) << 4) | ((frame[15] ?? 0) >> 4),
  },
] as const;

const PORT = 5390;

describe.each(FAMILIES)("HeartbeatSocket on a cable ($family)", (addresses) => {
  function open(pair: VethPair, side: Side) {
    const arrivals = new Arrivals<Uint8Array>();
    const socket = pair.inside(side, () =>
      HeartbeatSocket.open({
        interface: "eth0",
        local: addresses[side],
        peer: addresses[side === "left" ? "right" : "left"],
        port: PORT,
        onDatagram: arrivals.add,
      }),
    );
    return { socket, arrivals, [Symbol.dispose]: () => socket.close() };
  }

  test("carries a packet, marked as network control", async () => {
    using pair = new VethPair();
    using left = open(pair, "left");
    using right = open(pair, "right");
    const { index } = pair.link("right");
    const sniffer = pair.inside("right", () => openFrameReceiver(addresses.etherType, index, [[]]));
    const packet = new Uint8Array(100).fill(7);
    expect(left.socket.send(packet)).toEqual({ kind: "sent" });
    expect(await right.arrivals.first(() => true)).toEqual(packet);
    const classes = drainDatagrams(sniffer, 16).map(addresses.trafficClass);
    closeFd(sniffer);
    // RFC 4594: class selector 6. Neighbour discovery of IPv6 may have sent frames of its own before.
    expect(classes.at(-1)).toBe(0xc0);
  });

  test("says that the interface is down, and works again when it is back", async () => {
    using pair = new VethPair();
    using left = open(pair, "left");
    using right = open(pair, "right");
    pair.linkDown("left");
    expect(left.socket.send(new Uint8Array(64))).toEqual({ kind: "failed", errnoName: "ENETUNREACH" });
    pair.linkUp("left");
    // IPv6 loses its addresses with the link.
    if (addresses.family === "inet6") pair.addAddress("left", "2001:db8::1/64");
    expect(left.socket.send(new Uint8Array(64))).toEqual({ kind: "sent" });
    expect((await right.arrivals.first(() => true)).length).toBe(64);
  });

  test("opened before its address is there, works once it is", async () => {
    using pair = new VethPair();
    using right = open(pair, "right");
    pair.ip("left", "address", "flush", "dev", "eth0");
    using left = open(pair, "left");
    expect(left.socket.send(new Uint8Array(64)).kind).toBe("failed");
    pair.addAddress("left", `${addresses.left.text}/${addresses.family === "inet" ? 24 : 64}`);
    expect(left.socket.send(new Uint8Array(64))).toEqual({ kind: "sent" });
    await right.arrivals.first(() => true);
  });
});

describe.each(FAMILIES)("Reachability ($family)", ({ vip, left, right, absent }) => {
  function open(pair: VethPair) {
    const answers = new Arrivals<EchoAnswer>();
    const reachability = pair.inside("right", () => Reachability.open({ onAnswer: answers.add }));
    return { reachability, answers, [Symbol.dispose]: () => reachability.close() };
  }

  function addVip(pair: VethPair): void {
    pair.addAddress("right", `${vip.text}/${vip.family === "inet" ? 32 : 128}`);
  }

  test("hears a neighbour answer to the VIP it was asked from", async () => {
    using pair = new VethPair();
    addVip(pair);
    using asking = open(pair);
    expect(asking.reachability.ask({ source: vip, target: left, tag: 41 })).toEqual({ kind: "sent" });
    const answer = await asking.answers.first(() => true);
    // The header of IPv6 does not come with the message.
    const header = vip.family === "inet" ? { timeToLive: 64 } : {};
    expect(answer).toEqual({ source: vip, target: left, tag: 41, roundTripMs: answer.roundTripMs, ...header });
    expect(answer.roundTripMs).toBeGreaterThan(0);
    // Milliseconds, not microseconds, also where the machine stood still for seconds.
    expect(answer.roundTripMs).toBeLessThan(30_000);
  });

  test("does not hear it while the neighbour sends to the old owner's MAC, and hears it after an announcement", async () => {
    using pair = new VethPair();
    addVip(pair);
    pair.ip("left", "neigh", "replace", vip.text, "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "reachable");
    using asking = open(pair);
    using announcer = pair.inside("right", () => Announcer.open());
    // A neighbour that is known keeps ARP and NDP, which would teach the left side the VIP, out of the way.
    const mac = pair.link("left").mac ?? "";
    pair.ip("right", "neigh", "replace", left.text, "lladdr", mac, "dev", "eth0", "nud", "permanent");
    asking.reachability.ask({ source: vip, target: left, tag: 1 });
    asking.reachability.ask({ source: right, target: left, tag: 2 });
    await asking.answers.first((answer) => answer.tag === 2);
    const before = asking.answers.values.map((answer) => answer.tag);
    announcer.announce(vip, pair.link("right"), "both");
    asking.reachability.ask({ source: vip, target: left, tag: 3 });
    await asking.answers.first((answer) => answer.tag === 3);
    expect([before, asking.answers.values.map((answer) => answer.tag)]).toEqual([[2], [2, 3]]);
  });

  test("says when the source is not there or the target cannot be reached", () => {
    using pair = new VethPair();
    using asking = open(pair);
    const unreachable = vip.family === "inet" ? address("198.51.100.1") : address("2001:db8:ffff::1");
    expect([
      asking.reachability.ask({ source: absent, target: left, tag: 0 }).kind,
      asking.reachability.ask({ source: right, target: unreachable, tag: 0 }),
    ]).toEqual(["failed", { kind: "failed", errnoName: "ENETUNREACH" }]);
  });

  test("drain() reads the answers that wait, before the event loop turns", () => {
    using pair = new VethPair();
    using asking = open(pair);
    asking.reachability.ask({ source: right, target: left, tag: 5 });
    const drained: EchoAnswer[] = [];
    pair.until(() => drained.push(...asking.reachability.drain()) >= 1);
    expect([drained.map((answer) => answer.tag), asking.answers.values]).toEqual([[5], []]);
  });
});

test("FrameWatch sees frames come in, and none while nobody sends", () => {
  using pair = new VethPair();
  const { index } = pair.link("left");
  const watch = pair.inside("left", () => new FrameWatch(["eth0"]));
  const look = (nowMs: number) => {
    pair.inside("left", () => watch.look(nowMs));
    return watch.evidence("eth0");
  };
  // What the set-up itself caused may still have come in.
  const first = look(1_000);
  const quiet = look(1_100);
  using announcer = pair.inside("right", () => Announcer.open());
  announcer.announce(address("192.0.2.10"), pair.link("right"), "request");
  const heard = look(1_200);
  // What this side sends is not heard by it.
  using own = pair.inside("left", () => Announcer.open());
  own.announce(address("192.0.2.11"), { ...pair.link("left"), index }, "request");
  expect({ quiet, heard, later: look(1_300) }).toEqual({
    quiet: first,
    heard: { lastFrameAtMs: 1_200 },
    later: { lastFrameAtMs: 1_200 },
  });
});

test("openFrameReceiver() gets the frames that pass its filter, and none that leave this machine", () => {
  using pair = new VethPair();
  const [left, right] = [pair.link("left"), pair.link("right")];
  /** The sender's address in an ARP packet: 14 bytes of Ethernet, 14 of ARP before it. */
  const filter = [[{ at: 28, bytes: 4, is: "equal", value: 0xc000020b } as const]];
  const fd = pair.inside("left", () => openFrameReceiver(0x0806, left.index, filter));
  using here = pair.inside("left", () => Announcer.open());
  using there = pair.inside("right", () => Announcer.open());
  here.announce(address("192.0.2.11"), left, "request");
  there.announce(address("192.0.2.10"), right, "request");
  there.announce(address("192.0.2.11"), right, "request");
  const senders: string[] = [];
  pair.until(() => senders.push(...drainDatagrams(fd, 16).map((frame) => frame.slice(28, 32).join("."))) > 0);
  closeFd(fd);
  expect(senders).toEqual(["192.0.2.11"]);
});

describe("watchDatagrams() on sockets of the kernel", () => {
  /** linux/rtnetlink.h, RTNLGRP_LINK. */
  const GROUP_LINK = 1;

  test("tells of an overrun of a netlink socket, and goes on", async () => {
    using pair = new VethPair();
    const messages = new Arrivals<Uint8Array>();
    const interruptions = new Arrivals<string>();
    using socket = pair.inside("left", () => openNetlinkSocket(0, [GROUP_LINK], { receiveBufferBytes: 4_096 }));
    using _ = watchDatagrams(socket.fd, messages.add, interruptions.add);
    // Each change makes an announcement of more than a kilobyte.
    for (let turn = 0; turn < 20; turn += 1) pair.ip("left", "link", "set", "eth0", "mtu", String(1_400 + turn));
    await interruptions.first(() => true);
    messages.values.length = 0;
    pair.ip("left", "link", "set", "eth0", "mtu", "1500");
    await messages.first(() => true);
    expect(interruptions.values.length).toBe(1);
  });

  test("tells that the interface of a packet socket went down, and hears frames when it is back", async () => {
    using pair = new VethPair();
    const frames = new Arrivals<Uint8Array>();
    const interruptions = new Arrivals<string>();
    const { index } = pair.link("left");
    const fd = pair.inside("left", () => openFrameReceiver(0x0806, index, [[]]));
    const watch = watchDatagrams(fd, frames.add, interruptions.add);
    pair.linkDown("left");
    await interruptions.first(() => true);
    pair.linkUp("left");
    using announcer = pair.inside("right", () => Announcer.open());
    announcer.announce(address("192.0.2.10"), pair.link("right"), "request");
    expect((await frames.first(() => true)).length).toBe(42);
    watch.close();
    closeFd(fd);
  });
});
