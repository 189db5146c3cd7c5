/** VIPs that somebody else has set in this kernel: told, and taken out of it in whatever form they are there. */
import { beforeAll, describe, expect, test } from "bun:test";
import type { Vip } from "../../src/model/vip.ts";
import { run } from "../lab/network-namespace.ts";
import { requireLab } from "../support/lab.ts";
import { configOf, KEYS, NetworkUnderTest, PRIVATE_VIP, PUBLIC_VIP, THIRD_VIP } from "./support/network-under-test.ts";

beforeAll(requireLab);

const IPV6_VIP = `[[vip]]\naddress = "2001:db8::10/64"\ninterface = "pub0"\n`;
const CONFIG = configOf(PUBLIC_VIP, PRIVATE_VIP, THIRD_VIP, IPV6_VIP);
const CABLES = ["pub0", "pri0", "third0"] as const;
const PROMOTE = "/proc/sys/net/ipv4/conf/pub0/promote_secondaries";

function vipOf(text: string): Vip {
  const found = CONFIG.vips.find((vip) => vip.prefix.address.text === text);
  if (found === undefined) throw new RangeError(text);
  return found;
}

/** The addresses of all interfaces but those that the kernel makes itself, as `ADDRESS/LENGTH INTERFACE`. */
function shown(): string[] {
  return run(["ip", "-o", "address", "show"])
    .split("\n")
    .flatMap((line) => {
      const [, name = "", , text = "", peer = "", other = ""] = line.trim().split(/\s+/);
      if (name === "" || text.startsWith("fe80") || text.startsWith("127.") || text === "::1/128") return [];
      return [`${peer === "peer" ? `${text} peer ${other}` : text} ${name}`];
    })
    .toSorted();
}

const HOST = ["10.0.0.2/24 pri0", "203.0.113.2/24 pub0"];

describe("a foreign VIP is told and goes", () => {
  test.each([
    ["with the host's prefix", ["203.0.113.10/24 dev pub0"], ["203.0.113.10/24 on pub0"]],
    ["with a shorter one", ["203.0.113.10/16 dev pub0"], ["203.0.113.10/16 on pub0"]],
    ["with a label", ["203.0.113.10/24 dev pub0 label pub0:x"], ["203.0.113.10/24 on pub0, label pub0:x"]],
    ["as a lease would be", ["203.0.113.10/32 dev pub0"], ["203.0.113.10/32 on pub0"]],
    ["with an end", ["203.0.113.10/32 dev pub0 valid_lft 500 preferred_lft 500"], ["203.0.113.10/32 on pub0"]],
    ["on another interface", ["203.0.113.10/32 dev third0"], ["203.0.113.10/32 on third0"]],
    ["with another end", ["203.0.113.10 peer 192.0.2.1/32 dev pub0"], ["203.0.113.10 peer 192.0.2.1/32 on pub0"]],
    ["of another scope", ["203.0.113.10/32 dev pub0 scope link"], ["203.0.113.10/32 on pub0"]],
    [
      "in several forms",
      ["203.0.113.10/32 dev pub0", "203.0.113.10/24 dev pub0", "203.0.113.10/16 dev pub0", "203.0.113.10/24 dev pri0"],
      ["203.0.113.10/32 on pub0", "203.0.113.10/16 on pub0", "203.0.113.10/24 on pub0", "203.0.113.10/24 on pri0"],
    ],
    ["IPv6, /64", ["2001:db8::10/64 dev pub0 nodad"], ["2001:db8::10/64 on pub0"]],
    [
      "IPv6, on several interfaces",
      ["2001:db8::10/128 dev pub0 nodad", "2001:db8::10/96 dev pri0 nodad"],
      ["2001:db8::10/128 on pub0", "2001:db8::10/96 on pri0"],
    ],
  ] as const)("%s", async (_, lines, texts) => {
    using lab = new NetworkUnderTest(CONFIG, CABLES);
    lab.open();
    expect(lab.last("foreign-vips")).toEqual({ kind: "foreign-vips", found: [] });
    lab.ip(...lines.map((line) => `address add ${line}`));
    const told = () => lab.last("foreign-vips")?.found ?? [];
    await lab.until("all are told", () => told().length === texts.length);
    expect(
      told()
        .map(({ text }) => text)
        .toSorted(),
    ).toEqual(texts.toSorted());
    const vips = [...new Set(told().map(({ vip }) => vip))];
    expect(await lab.outcomes({ kind: "drop", vips })).toEqual(vips.map(() => ({ kind: "removed" })));
    expect(shown()).toEqual(HOST);
    await lab.until("that none is left is told", () => told().length === 0);
    expect(await lab.outcomes({ kind: "drop", vips })).toEqual(vips.map(() => ({ kind: "absent" })));
  });
});

test("what is there at the start is told after it, and what is on the loopback is said to be fixed, and stays", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.ip("address add 203.0.113.10/32 dev lo", "address add 10.0.0.1/24 dev pri0");
  try {
    lab.open();
    expect(lab.all("foreign-vips")).toHaveLength(1);
    expect(lab.last("foreign-vips")?.found).toEqual([
      { vip: vipOf("203.0.113.10"), text: "203.0.113.10/32 on lo", fixed: true },
      { vip: vipOf("10.0.0.1"), text: "10.0.0.1/24 on pri0", fixed: false },
    ]);
    const vips = [vipOf("203.0.113.10"), vipOf("10.0.0.1")];
    expect(await lab.outcomes({ kind: "drop", vips })).toEqual([{ kind: "absent" }, { kind: "removed" }]);
    expect(shown()).toEqual([...HOST, "203.0.113.10/32 lo"].toSorted());
  } finally {
    lab.ip("address delete 203.0.113.10/32 dev lo");
  }
});

test("a VIP that was there before the host's own address takes nothing with it, whatever the kernel's default is", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.ip("address flush dev pub0", "address add 203.0.113.10/24 dev pub0", "address add 203.0.113.2/24 dev pub0");
  lab.ip("route add default via 203.0.113.3 src 203.0.113.2");
  expect((await Bun.file(PROMOTE).text()).trim()).toBe("0");
  lab.open();
  const { outcomes, settings } = await lab.answer({ kind: "drop", vips: [vipOf("203.0.113.10")] });
  expect(outcomes).toEqual([{ kind: "removed" }]);
  expect(settings).toEqual([{ path: PROMOTE.replace("/proc/sys/", ""), previous: "0", value: "1" }]);
  expect(shown()).toEqual(HOST);
  expect(run(["ip", "route", "show"])).toContain("203.0.113.0/24 dev pub0");
});

test("a lease with a prefix of its own protects the others, for each interface anew", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.ip("address flush dev pub0");
  lab.open();
  const lease = { kind: "lease", vips: [vipOf("203.0.113.10")], validSeconds: 1 } as const;
  for (let turn = 0; turn < 2; turn += 1) {
    expect(await lab.outcomes(lease)).toEqual([{ kind: "created" }]);
    expect((await Bun.file(PROMOTE).text()).trim()).toBe("1");
    expect(shown()).toContain("203.0.113.10/24 pub0");
    lab.ip("address add 203.0.113.2/24 dev pub0");
    // Nobody renews it: the kernel drops it, and only it.
    await lab.until("the lease has ended", () => !shown().includes("203.0.113.10/24 pub0"));
    expect(shown()).toContain("203.0.113.2/24 pub0");
    lab.ip("link delete pub0");
    lab.lay("pub0");
    lab.ip("address flush dev pub0");
    expect((await Bun.file(PROMOTE).text()).trim()).toBe("0");
  }
  // Somebody sets it back: the next renewal mends that.
  expect(await lab.outcomes({ ...lease, validSeconds: 300 })).toEqual([{ kind: "created" }]);
  await Bun.write(PROMOTE, "0\n");
  expect(await lab.outcomes({ ...lease, validSeconds: 300 })).toEqual([{ kind: "renewed" }]);
  expect((await Bun.file(PROMOTE).text()).trim()).toBe("1");
});

test("a lease comes in place of a foreign address that it would only renew, and is told of as ours", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.ip("address add 2001:db8::2/64 dev pub0 nodad", "address add 2001:db8::10/64 dev pub0 nodad");
  lab.ip("address add 203.0.113.10/32 dev pub0 label pub0:x", "address add 203.0.113.10/24 dev pub0");
  lab.open();
  const vips = [vipOf("2001:db8::10"), vipOf("203.0.113.10")];
  lab.network.leasing(vips);
  expect(await lab.outcomes({ kind: "lease", vips, validSeconds: 300 })).toEqual([
    { kind: "created" },
    { kind: "created" },
  ]);
  const present = shown().filter((line) => line.includes("::10") || line.includes(".10/"));
  expect(present).toEqual(["2001:db8::10/128 pub0", "203.0.113.10/24 pub0", "203.0.113.10/32 pub0"]);
  // What stands beside the lease is still foreign.
  const texts = () => lab.last("foreign-vips")?.found.map(({ text }) => text);
  await lab.until("the rest is told", () => texts()?.join() === "203.0.113.10/24 on pub0");
  const removed = lab.network.removing();
  expect(await lab.outcomes({ kind: "drop", vips })).toEqual([{ kind: "removed" }, { kind: "removed" }]);
  removed(vips);
  expect(texts()).toEqual([]);
  // At no time was a lease of ours told of as foreign.
  expect(lab.all("foreign-vips").flatMap(({ found }) => found.map(({ text }) => text))).not.toContain(
    "2001:db8::10/128 on pub0",
  );
});

test("while a removal is under way nothing is said of foreign VIPs: its answer comes first", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.ip("address add 203.0.113.10/24 dev pub0", "address add 10.0.0.1/24 dev third0");
  lab.open();
  const vips = [vipOf("203.0.113.10")];
  const texts = () => lab.last("foreign-vips")?.found.map(({ text }) => text);
  expect(texts()).toEqual(["203.0.113.10/24 on pub0", "10.0.0.1/24 on third0"]);
  const [removed, further] = [lab.network.removing(), lab.network.removing()];
  expect(await lab.outcomes({ kind: "drop", vips })).toEqual([{ kind: "removed" }]);
  lab.ip("address delete 10.0.0.1/24 dev third0", "link set third0 down");
  // The kernel's events have been taken over by then.
  await lab.until("a later event is told", () => lab.interfaceNow("third0").startsWith("up=false"));
  removed(vips);
  expect(texts()).toHaveLength(2);
  further([]);
  expect(texts()).toEqual([]);
});

test("a renamed interface: the lease is found by its number and goes", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.open();
  const vips = [vipOf("203.0.113.10"), vipOf("10.0.0.1")];
  lab.network.leasing(vips);
  expect(await lab.outcomes({ kind: "lease", vips, validSeconds: 300 })).toEqual([
    { kind: "created" },
    { kind: "created" },
  ]);
  lab.ip("link set pub0 down", "link set pub0 name other0", "link set other0 up");
  try {
    await lab.until("pub0 is not there", () => lab.interfaceNow("pub0").startsWith("absent"));
    expect(shown()).toContain("203.0.113.10/32 other0");
    expect(await lab.outcomes({ kind: "lease", vips, validSeconds: 300 })).toEqual([
      { kind: "failed", reason: "there is no interface pub0" },
      { kind: "renewed" },
    ]);
    expect(await lab.outcomes({ kind: "drop", vips })).toEqual([{ kind: "removed" }, { kind: "removed" }]);
    expect(shown()).toEqual(["10.0.0.2/24 pri0", "203.0.113.2/24 other0"]);
  } finally {
    lab.ip("link delete other0");
  }
});

test("another prefix and another label of a VIP are applied, and the old ones go", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.ip("address flush dev pub0");
  lab.open();
  const configs = [
    configOf(PUBLIC_VIP, IPV6_VIP),
    configOf(PUBLIC_VIP.replace("/24", "/25"), IPV6_VIP.replace("/64", "/80")),
    configOf(`${PUBLIC_VIP.replace("/24", "/25")}label = "pub0:1"\n`, IPV6_VIP.replace("/64", "/80")),
  ];
  const expected = [
    ["2001:db8::10/64 pub0", "203.0.113.10/24 pub0"],
    ["2001:db8::10/80 pub0", "203.0.113.10/25 pub0"],
    ["2001:db8::10/80 pub0", "203.0.113.10/25 pub0"],
  ];
  for (const [step, config] of configs.entries()) {
    const going = (configs[step - 1]?.vips ?? []).filter((vip) => !config.vips.some((one) => Bun.deepEquals(one, vip)));
    lab.network.configure(config, KEYS);
    lab.network.leasing(config.vips);
    const outcomes = await lab.outcomes({ kind: "lease", vips: config.vips, validSeconds: 300 });
    expect(outcomes.map(({ kind }) => kind)).not.toContain("failed");
    const removed = lab.network.removing();
    await lab.outcomes({ kind: "drop", vips: going });
    removed(going);
    expect(shown().filter((line) => line.includes("10/") && !line.startsWith("10."))).toEqual(expected[step] ?? []);
  }
  expect(run(["ip", "address", "show", "dev", "pub0"])).toContain("pub0:1");
  // A lost lease was never told of: all of it was our own work.
  expect(lab.all("address-removed")).toEqual([]);
  expect(lab.all("foreign-vips")).toEqual([{ kind: "foreign-vips", found: [] }]);
});

test("a lease that somebody removes is told, a foreign address beside it that goes is not", async () => {
  using lab = new NetworkUnderTest(CONFIG, CABLES);
  lab.open();
  const vips = [vipOf("203.0.113.10")];
  lab.network.leasing(vips);
  await lab.outcomes({ kind: "lease", vips, validSeconds: 300 });
  lab.ip("address add 203.0.113.10/24 dev pub0");
  await lab.until("the foreign one is told", () => lab.last("foreign-vips")?.found.length === 1);
  lab.ip("address delete 203.0.113.10/24 dev pub0");
  await lab.until("it is gone", () => lab.last("foreign-vips")?.found.length === 0);
  expect(lab.all("address-removed")).toEqual([]);
  lab.ip("address delete 203.0.113.10/32 dev pub0");
  await lab.until("the lost lease is told", () => lab.all("address-removed").length === 1);
});
