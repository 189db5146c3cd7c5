import { describe, expect, test } from "bun:test";
import { shellWord } from "../../lab/lab-command.ts";
import { longestStep } from "../../lab/parts/gap-probe.ts";
import { ipvsadmTable, tandemTable } from "../../lab/parts/ipvs-table.ts";
import { addressPattern, atOneMoment, type Owners } from "../../lab/parts/owner-sampler.ts";
import { serverAddress } from "../../lab/topology.ts";

describe("shellWord()", () => {
  test.each(["plain", "two words", "it's", '$HOME `id` \\ "x"', "", "a\nb"])("keeps %p as it is", (text) => {
    const { stdout } = Bun.spawnSync(["sh", "-c", `printf %s ${shellWord(text)}`]);
    expect(stdout.toString()).toBe(text);
  });
});

describe("longestStep()", () => {
  test("finds the longest step and where it began", () => {
    expect(longestStep([1, 2, 10, 11])).toEqual({ lengthMs: 8, atMs: 2 });
  });

  test("finds none in fewer than two times", () => {
    expect(longestStep([5])).toEqual({ lengthMs: 0, atMs: 0 });
  });

  test("counts no time of a span in which nobody looked", () => {
    const away = [
      { fromMs: 0, toMs: 3 },
      { fromMs: 12, toMs: 17 },
    ];
    expect(longestStep([1, 10, 20], away)).toEqual({ lengthMs: 7, atMs: 1 });
    expect(longestStep([1, 10, 20], [{ fromMs: 5, toMs: Infinity }])).toEqual({ lengthMs: 4, atMs: 1 });
  });
});

describe("serverAddress()", () => {
  test.each([
    ["web1", "10.0.0.11"],
    ["direct2", "10.0.0.22"],
  ])("gives %s its address", (name, address) => {
    expect(serverAddress(name)).toBe(address);
  });
});

// As net/ipv4/fib_trie.c prints them, shortened.
const FIB_TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.0.0.0
        /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.0.0.1
        /32 host LOCAL
     |-- 10.0.0.255
        /32 link BROADCAST
`;
// As net/ipv6/addrconf.c prints them.
const IF_INET6 = "20010db8000000000000000000000002 02 40 00 80     eth0\n";

describe("addressPattern()", () => {
  test.each([
    ["10.0.0.1", FIB_TRIE, true],
    ["10.0.0.0", FIB_TRIE, false],
    ["10.0.0.255", FIB_TRIE, false],
    ["10.0.0.10", FIB_TRIE, false],
    ["0.0.0.1", FIB_TRIE, false],
    ["2001:db8::2", IF_INET6, true],
    ["2001:db8::20", IF_INET6, false],
    ["2001:db8:0:0:0:0:0:2", IF_INET6, true],
  ])("finds %s only where it is an address of the machine", (address, text, found) => {
    expect(addressPattern(address).test(text)).toBe(found);
  });
});

describe("atOneMoment()", () => {
  const VIP = "203.0.113.10";
  const shown = (...owners: ("lvs1" | "lvs2")[]): Owners => new Map([[VIP, owners]]);
  /** Reads the two kernels as the sampler does, one after the other; `between` is done once, after the first of them. */
  function kernels(between: (has: Set<"lvs1" | "lvs2">) => void) {
    const has = new Set<"lvs1" | "lvs2">(["lvs2"]);
    let readings = 0;
    return () => {
      readings += 1;
      const first = has.has("lvs1");
      if (readings === 1) between(has);
      return shown(...(first ? (["lvs1"] as const) : []), ...(has.has("lvs2") ? (["lvs2"] as const) : []));
    };
  }

  test("does not see nobody where a VIP was added to the first kernel, and then dropped by the second", () => {
    const round = kernels((has) => {
      has.add("lvs1");
      has.delete("lvs2");
    });
    expect(atOneMoment(round, shown("lvs2"))).toEqual(shown("lvs1"));
  });

  test("sees nobody, or both, where that lasts", () => {
    expect(atOneMoment(() => shown(), shown("lvs2"))).toEqual(shown());
    expect(atOneMoment(() => shown("lvs1", "lvs2"), shown("lvs2"))).toEqual(shown("lvs1", "lvs2"));
    expect(atOneMoment(() => shown("lvs1"))).toEqual(shown("lvs1"));
  });
});

describe("ipvsadmTable() and tandemTable()", () => {
  test("bring both listings into the same form", () => {
    const text = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  203.0.113.10:80 wrr persistent 300
  -> 10.0.0.11:80                 Masq    3      1          2         
  -> 10.0.0.12:80                 Route   0      0          0         
FWM  7 IPv6 rr
  -> [fd00::11]:0                 Tunnel  1      0          0         
`;
    const json = JSON.stringify({
      services: [
        {
          service: "fwmark:7/inet6",
          scheduler: "rr",
          servers: [{ server: "[fd00::11]:0", forward: "tunnel", weight: 1 }],
        },
        {
          service: "tcp://203.0.113.10:80",
          scheduler: "wrr",
          servers: [
            { server: "10.0.0.12:80", forward: "direct", weight: 0 },
            { server: "10.0.0.11:80", forward: "nat", weight: 3 },
          ],
        },
      ],
    });
    expect(ipvsadmTable(text)).toEqual(tandemTable(json));
    expect(ipvsadmTable(text)).toEqual([
      "fwmark:7/inet6 -> [fd00::11]:0 tunnel 1",
      "fwmark:7/inet6 rr",
      "tcp://203.0.113.10:80 -> 10.0.0.11:80 nat 3",
      "tcp://203.0.113.10:80 -> 10.0.0.12:80 direct 0",
      "tcp://203.0.113.10:80 wrr",
    ]);
  });
});
