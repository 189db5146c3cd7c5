/** What `vip announce` puts on the wire, byte by byte, and whether `--verify` tells who has learnt it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import type { MacAddress } from "../../src/model/mac-address.ts";
import { closeFd } from "../../src/sys/libc/fd.ts";
import { openFrameReceiver } from "../../src/sys/sockets/packet-socket.ts";
import { drainDatagrams } from "../../src/sys/sockets/socket.ts";
import { requireLab, run } from "../support/lab.ts";
import { VethPair } from "./support/veth-pair.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/tandem");

beforeAll(requireLab);

/** `02:00:…` as the six bytes of a frame. */
function bytesOf(mac: MacAddress | undefined): string {
  return (mac ?? "").replaceAll(":", "");
}

interface Wanted {
  readonly etherType: number;
  /** Which frames count; others of that type may come, as neighbour discovery's own. */
  readonly is: (frame: string) => boolean;
  readonly count: number;
}

/** Runs the program in the right one of the two namespaces, and gives the frames that come in on the left one. */
function capture(pair: VethPair, { etherType, is, count }: Wanted, words: readonly string[]): string[] {
  const { index } = pair.link("left");
  const fd = pair.inside("left", () => openFrameReceiver(etherType, index, [[]]));
  try {
    const { stderr, exitCode } = pair.inside("right", () => Bun.spawnSync([PROGRAM, ...words]));
    expect({ stderr: stderr.toString(), exitCode }).toEqual({ stderr: "", exitCode: 0 });
    const frames: string[] = [];
    pair.until(() => {
      const arrived = drainDatagrams(fd, 64).map((frame) => Buffer.from(frame).toString("hex"));
      frames.push(...arrived.filter(is));
      return frames.length >= count;
    });
    return frames;
  } finally {
    closeFd(fd);
  }
}

/** `192.0.2.10` */
const VIP = "c000020a";
const BROADCAST = "ffffffffffff";
const ZERO = "000000000000";
/** Ethernet's type ARP; then RFC 826: hardware type 1, protocol type IPv4, 6 and 4 bytes. */
const ARP = ["0806", "0001", "0800", "06", "04"].join("");

/** A gratuitous request (RFC 5227, section 3): sender and target address are the VIP, the target MAC is not filled. */
function gratuitousRequest(mac: string): string {
  return [BROADCAST, mac, ARP, "0001", mac, VIP, ZERO, VIP].join("");
}

/** A gratuitous reply (RFC 5944, section 4.6): the target MAC is the one to learn. */
function gratuitousReply(mac: string): string {
  return [BROADCAST, mac, ARP, "0002", mac, VIP, mac, VIP].join("");
}

describe("vip announce", () => {
  test.each([
    { form: "request", expected: (mac: string) => [gratuitousRequest(mac)] },
    { form: "reply", expected: (mac: string) => [gratuitousReply(mac)] },
    { form: "both", expected: (mac: string) => [gratuitousRequest(mac), gratuitousReply(mac)] },
  ])("--form $form sends gratuitous ARP, each form whole", ({ form, expected }) => {
    using pair = new VethPair();
    pair.addAddress("right", "192.0.2.10/32");
    const words = ["vip", "announce", "192.0.2.10", "--form", form, "--count", "2", "--interval", "10ms"];
    const once = expected(bytesOf(pair.link("right").mac));
    const wanted = { etherType: 0x0806, is: () => true, count: 2 * once.length };
    expect(capture(pair, wanted, words)).toEqual([...once, ...once]);
  });

  test.each([
    { forwarding: "0", flags: "20000000" },
    { forwarding: "1", flags: "a0000000" },
  ])("sends a neighbour advertisement with the override flag, IPv6 forwarding $forwarding", ({ forwarding, flags }) => {
    using pair = new VethPair();
    pair.inside("right", () => run("sysctl", "-qw", `net.ipv6.conf.eth0.forwarding=${forwarding}`));
    pair.addAddress("right", "2001:db8::10/128");
    const mac = bytesOf(pair.link("right").mac);
    const vip = "20010db8000000000000000000000010";
    const allNodes = "ff020000000000000000000000000001";
    // RFC 4861, sections 4.4 and 4.6.1: type 136, code 0; flags; the target; option 2 of 8 bytes with the MAC.
    const body = `${flags}${vip}0201${mac}`;
    const checksum = internetChecksum(`${vip}${allNodes}000000200000003a88000000${body}`);
    // RFC 8200: version 6, 32 bytes, ICMPv6, hop limit 255; RFC 2464: 33-33 and the end of the group.
    const header = `333300000001${mac}86dd6000000000203aff${vip}${allNodes}`;
    // The type stands behind 14 bytes of Ethernet and 40 of IPv6.
    const wanted = { etherType: 0x86dd, is: (frame: string) => frame.slice(108, 112) === "8800", count: 1 };
    const advertisements = capture(pair, wanted, ["vip", "announce", "2001:db8::10", "--count", "1"]);
    expect(advertisements).toEqual([`${header}8800${checksum}${body}`]);
  });
});

/** RFC 1071 over bytes in hexadecimal. */
function internetChecksum(hex: string): string {
  let sum = 0;
  for (let at = 0; at < hex.length; at += 4) sum += Number.parseInt(hex.slice(at, at + 4), 16);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return (sum ^ 0xffff).toString(16).padStart(4, "0");
}

describe("vip announce --verify", () => {
  const FAMILIES = [
    {
      family: "inet",
      vip: "192.0.2.10",
      prefix: 32,
      neighbour: "192.0.2.1",
      own: "192.0.2.2",
      // ARP whose sender and target address are both the VIP: that is what makes it gratuitous.
      protocol: "arp",
      gratuitous: [14, 24]
        .map((at) => `match u16 0xc000 0xffff at ${at} match u16 0x020a 0xffff at ${at + 2}`)
        .join(" "),
    },
    {
      family: "inet6",
      vip: "2001:db8::10",
      prefix: 128,
      neighbour: "2001:db8::1",
      own: "2001:db8::2",
      // A neighbour advertisement (136) that is not solicited.
      protocol: "ipv6",
      gratuitous: "match u8 58 0xff at 6 match u8 136 0xff at 40 match u8 0 0x40 at 44",
    },
  ] as const;

  test.each(FAMILIES)("tells a neighbour that ignores announcements from one that learns ($family)", (family) => {
    const { vip, prefix, neighbour, own, protocol, gratuitous } = family;
    using pair = new VethPair();
    pair.addAddress("right", `${vip}/${prefix}`);
    const announce = () => {
      const words = ["vip", "announce", vip, "--count", "1", "--verify", neighbour];
      const { stdout, stderr, exitCode } = pair.inside("right", () => Bun.spawnSync([PROGRAM, ...words]));
      return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
    };
    // The neighbour has the old owner's MAC; this machine needs not ask for the neighbour's, which would teach it.
    const old = ["lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "reachable"];
    const forget = () => pair.ip("left", "neigh", "replace", vip, ...old);
    const mac = pair.link("left").mac ?? "";
    pair.ip("right", "neigh", "replace", neighbour, "lladdr", mac, "dev", "eth0", "nud", "permanent");
    const filter = (...words: readonly string[]) => pair.inside("left", () => run("tc", ...words));
    filter("qdisc", "add", "dev", "eth0", "ingress");
    const rule = ["filter", "add", "dev", "eth0", "ingress", "protocol", protocol, "u32", ...gratuitous.split(" ")];
    filter(...rule, "action", "drop");
    forget();
    expect(announce()).toEqual({
      stdout: "",
      stderr: `tandem: cannot verify the announcement of ${vip}: ${neighbour} answers ${own} but not ${vip}: it sends what is for ${vip} to another machine\nhint: it ignores announcements, or has a fixed entry: look at the neighbour entry of ${vip} there\n`,
      exitCode: 3,
    });
    filter("qdisc", "del", "dev", "eth0", "ingress");
    forget();
    expect(announce()).toEqual({
      stdout: expect.stringMatching(/^announced \S+ on eth0 \([12] frames?, answered by \S+ after \d+\.\d ms\)\n$/),
      stderr: "",
      exitCode: 0,
    });
  });
});
