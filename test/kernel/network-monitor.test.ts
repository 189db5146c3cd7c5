import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { LinkClient } from "../../src/kernel/addresses/link-client.ts";
import { type AddressEvent, NetworkMonitor } from "../../src/kernel/addresses/network-monitor.ts";
import { RouteClient } from "../../src/kernel/addresses/route-client.ts";
import { NeighbourClient } from "../../src/kernel/neighbours/neighbour-client.ts";
import { address, formatAddressPrefix } from "../../src/model/address.ts";
import { requireLab, run } from "../support/lab.ts";

beforeAll(requireLab);
beforeEach(() => {
  for (const name of ["mon0", "monbr"]) {
    if (Bun.spawnSync(["ip", "link", "show", name]).exitCode === 0) run("ip", "link", "del", name);
  }
  run("ip", "link", "add", "mon0", "type", "veth", "peer", "name", "mon1");
  run("sysctl", "-q", "-w", "net.ipv6.conf.mon0.disable_ipv6=1", "net.ipv6.conf.mon1.disable_ipv6=1");
});

/**
 * What the monitor tells of mon0, as lines.
 * @param steps what to do, and the line that must come before the next one is done.
 */
async function told(steps: readonly (readonly [string, () => void])[]): Promise<string[]> {
  const lines: string[] = [];
  let heard = Promise.withResolvers<void>();
  let awaited = "";
  const tell = (name: string, line: string) => {
    if (name !== "mon0") return;
    // The kernel repeats some link messages; only changes matter here.
    if (line !== lines.at(-1)) lines.push(line);
    if (line === awaited) heard.resolve();
  };
  using _monitor = NetworkMonitor.open({
    onLink: (link) => tell(link.name, `link up=${link.up} carrier=${link.carrier}`),
    onLinkGone: (link) => tell(link.name, "link gone"),
    onAddress: ({ added, address }) =>
      tell(address.interface, `${added ? "+" : "-"}${formatAddressPrefix(address.prefix)} ours=${address.ours}`),
    onOverrun: () => tell("mon0", "overrun"),
  });
  for (const [line, act] of steps) {
    heard = Promise.withResolvers<void>();
    awaited = line;
    act();
    await heard.promise;
  }
  return lines;
}

describe("NetworkMonitor", () => {
  test("tells the carrier's comings and goings", async () => {
    run("ip", "link", "set", "mon0", "up");
    const lines = await told([
      ["link up=true carrier=true", () => run("ip", "link", "set", "mon1", "up")],
      ["link up=true carrier=false", () => run("ip", "link", "set", "mon1", "down")],
      ["link up=false carrier=false", () => run("ip", "link", "set", "mon0", "down")],
    ]);
    expect(lines).toEqual(["link up=true carrier=true", "link up=true carrier=false", "link up=false carrier=false"]);
  });

  test("tells addresses with the interface's name, also of an interface made later", async () => {
    run("ip", "link", "del", "mon0");
    const lines = await told([
      ["link up=false carrier=false", () => run("ip", "link", "add", "mon0", "type", "veth", "peer", "name", "mon1")],
      ["+203.0.113.10/24 ours=false", () => run("ip", "addr", "add", "203.0.113.10/24", "dev", "mon0")],
      ["-203.0.113.10/24 ours=false", () => run("ip", "addr", "del", "203.0.113.10/24", "dev", "mon0")],
      ["link gone", () => run("ip", "link", "del", "mon0")],
    ]);
    expect(lines).toEqual([
      "link up=false carrier=false",
      "+203.0.113.10/24 ours=false",
      "-203.0.113.10/24 ours=false",
      "link gone",
    ]);
  });

  test("does not take a port that leaves its bridge for a link that is gone", async () => {
    run("ip", "link", "add", "monbr", "type", "bridge");
    const lines = await told([
      ["link up=false carrier=false", () => run("ip", "link", "set", "mon0", "master", "monbr")],
      [
        "link up=true carrier=false",
        () => {
          run("ip", "link", "set", "mon0", "nomaster");
          run("ip", "link", "set", "mon0", "up");
        },
      ],
    ]);
    expect(lines).toEqual(["link up=false carrier=false", "link up=true carrier=false"]);
  });

  test("tells that messages were lost, once the kernel would tell of the next ones", async () => {
    run("ip", "link", "set", "mon0", "up");
    let overruns = 0;
    const { promise: overrun, resolve: hasOverrun } = Promise.withResolvers<void>();
    const { promise: seen, resolve: hasSeen } = Promise.withResolvers<void>();
    // A buffer for a message or two.
    const receiveBufferBytes = 4_096;
    const handlers = {
      onLink: () => {},
      onAddress: ({ address }: AddressEvent) => {
        if (address.prefix.address.text === "203.0.113.77") hasSeen();
      },
      onOverrun: () => {
        overruns += 1;
        hasOverrun();
      },
    };
    using _monitor = NetworkMonitor.open(handlers, receiveBufferBytes);
    // This process reads nothing until the changes are made.
    const lines = Array.from({ length: 30 }, (_, index) => `link set mon0 alias a${index}`);
    Bun.spawnSync(["ip", "-batch", "-"], { stdin: new TextEncoder().encode(lines.join("\n")) });
    await overrun;
    run("ip", "addr", "add", "203.0.113.77/32", "dev", "mon0");
    await seen;
    expect(overruns).toBeGreaterThan(0);
  });
});

describe("LinkClient, RouteClient and NeighbourClient", () => {
  test("get() and list() show a link as ip does", () => {
    using links = LinkClient.open();
    run("ip", "link", "set", "mon0", "address", "02:00:5e:10:00:01", "mtu", "1400");
    run("ip", "link", "set", "mon0", "up");
    const mon0 = links.get("mon0");
    expect(mon0).toEqual({
      index: Number(/^(\d+):/.exec(run("ip", "-o", "link", "show", "mon0"))?.[1]),
      name: "mon0",
      mac: "02:00:5e:10:00:01" as never,
      up: true,
      carrier: false,
      loopback: false,
      mtuBytes: 1400,
    });
    expect(links.list().find((link) => link.name === "mon0")).toEqual(mon0);
    expect(links.get("lo")?.loopback).toBe(true);
    expect(["nowhere", "", "a-name-longer-than-any"].map((name) => links.get(name))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("survey() and interfaceTowards() follow the routes", () => {
    using routes = RouteClient.open();
    using links = LinkClient.open();
    const interfaceIndex = links.get("mon0")?.index ?? 0;
    run("ip", "addr", "add", "203.0.113.2/24", "dev", "mon0");
    run("ip", "link", "set", "mon1", "up");
    run("ip", "link", "set", "mon0", "up");
    run("ip", "route", "add", "198.51.100.0/24", "via", "203.0.113.1");
    const gateway = address("203.0.113.1");
    expect(routes.survey().gateways).toContainEqual({ gateway, interfaceIndex });
    expect(routes.routeTo(address("198.51.100.9"))).toEqual({
      gateway,
      interfaceIndex,
      source: address("203.0.113.2"),
    });
    expect(routes.interfaceTowards(address("203.0.113.9"))).toBe(interfaceIndex);
    run("ip", "route", "add", "unreachable", "192.0.2.0/24");
    run("ip", "route", "add", "blackhole", "192.0.3.0/24");
    const nowhere = ["192.0.2.9", "192.0.3.9"].map((text) => routes.interfaceTowards(address(text)));
    expect(nowhere).toEqual([undefined, undefined]);
    run("ip", "route", "del", "unreachable", "192.0.2.0/24");
    run("ip", "route", "del", "blackhole", "192.0.3.0/24");
  });

  test("list() shows neighbours with their MAC and state", () => {
    using neighbours = NeighbourClient.open();
    using links = LinkClient.open();
    run("ip", "link", "set", "mon0", "up");
    run("ip", "neigh", "add", "203.0.113.1", "lladdr", "02:00:5e:10:00:02", "dev", "mon0", "nud", "stale");
    const interfaceIndex = links.get("mon0")?.index;
    expect(neighbours.list().filter((each) => each.interfaceIndex === interfaceIndex)).toEqual([
      { address: address("203.0.113.1"), mac: "02:00:5e:10:00:02", interfaceIndex, state: "stale" },
    ] as never);
  });
});
