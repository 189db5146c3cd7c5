import { expect, test } from "bun:test";
import type { Config } from "../../../../src/config/keys/config.ts";
import { chooseNeighbours, NEIGHBOURS_MAX, NeighbourBook } from "../../../../src/daemon/network/neighbours.ts";
import { address, parseAddressPrefix } from "../../../../src/model/address.ts";
import type { InterfaceAddress } from "../../../../src/model/interface-address.ts";
import type { MacAddress } from "../../../../src/model/mac-address.ts";

const PLACES = [
  { name: "eth0", index: 2, isSide: true },
  { name: "eth1", index: 3, isSide: true },
];
const THIRD = { name: "eth2", index: 4, isSide: false };
const MAC = "02:00:00:00:00:01" as MacAddress;

function own(name: string, interfaceIndex: number, text: string): InterfaceAddress {
  const prefix = parseAddressPrefix(text);
  if (!prefix.ok) throw new Error(prefix.problem);
  return {
    interface: name,
    interfaceIndex,
    prefix: prefix.value,
    validSeconds: "forever",
    preferredSeconds: "forever",
    ours: false,
    tentative: false,
    dadFailed: false,
    secondary: false,
    noPrefixRoute: false,
    scope: "global",
  };
}

const LOCAL = [own("eth0", 2, "203.0.113.2/24"), own("eth1", 3, "10.0.0.2/24")];
const way = (text: string, interfaceIndex: number) => ({ gateway: address(text), interfaceIndex });

function config(neighbours: readonly string[], servers: readonly string[]): Config {
  const router = (name: string, last: number) => ({
    name,
    public: address(`203.0.113.${last}`),
    private: address(`10.0.0.${last}`),
  });
  return {
    pair: {
      primary: router("lvs1", 2),
      backup: router("lvs2", 3),
      neighbours: neighbours.map(address),
    },
    vips: [
      { prefix: { address: address("203.0.113.10"), prefixLength: 24 }, interface: "eth0" },
      { prefix: { address: address("198.51.100.10"), prefixLength: 24 }, interface: "eth2" },
    ],
    services: [{ servers: servers.map((text) => ({ server: { endpoint: { address: address(text), port: 80 } } })) }],
  } as unknown as Config;
}

function texts(chosen: ReturnType<typeof chooseNeighbours>): string[] {
  return chosen.map(({ interface: name, address: { text } }) => `${name} ${text}`);
}

test("chooseNeighbours() takes the gateways by each interface and the real servers of its own network", () => {
  const made = config([], ["10.0.0.11", "10.0.0.12", "192.0.2.1"]);
  const ways = [way("203.0.113.1", 2), way("fe80::1", 3), way("203.0.113.9", 7)];
  expect(texts(chooseNeighbours(made, PLACES, LOCAL, ways))).toEqual([
    "eth0 203.0.113.1",
    "eth1 fe80::1",
    "eth1 10.0.0.11",
    "eth1 10.0.0.12",
  ]);
});

test("chooseNeighbours() finds those of a third interface by its VIP, whoever has that now", () => {
  const made = config([], ["198.51.100.20", "10.0.0.11"]);
  const there = own("eth2", 4, "198.51.100.10/32");
  for (const local of [LOCAL, [...LOCAL, there]]) {
    expect(texts(chooseNeighbours(made, [THIRD], local, [way("198.51.100.1", 4)]))).toEqual([
      "eth2 198.51.100.1",
      "eth2 198.51.100.20",
    ]);
  }
});

test("chooseNeighbours() takes the network of the other end of an address that has one", () => {
  const local = [{ ...own("eth0", 2, "203.0.113.2/30"), peer: address("192.0.2.1") }];
  expect(texts(chooseNeighbours(config([], ["192.0.2.2", "203.0.113.1"]), PLACES, local, []))).toEqual([
    "eth0 192.0.2.2",
  ]);
});

test("chooseNeighbours() takes only the configured ones when there are any", () => {
  const made = config(["203.0.113.7"], ["10.0.0.11"]);
  expect(texts(chooseNeighbours(made, PLACES, LOCAL, [way("203.0.113.1", 2)]))).toEqual(["eth0 203.0.113.7"]);
  // Nobody named one for the third interface: it has its gateway all the same, until somebody does.
  const gateway = [way("198.51.100.1", 4)];
  expect(texts(chooseNeighbours(made, [THIRD], LOCAL, gateway))).toEqual(["eth2 198.51.100.1"]);
  const named = config(["203.0.113.7", "198.51.100.7"], []);
  expect(texts(chooseNeighbours(named, [THIRD], LOCAL, gateway))).toEqual(["eth2 198.51.100.7"]);
});

test("chooseNeighbours() never takes a router of the pair or a VIP", () => {
  const made = config(["203.0.113.3", "203.0.113.10", "10.0.0.3"], []);
  expect(chooseNeighbours(made, PLACES, LOCAL, [way("203.0.113.3", 2)])).toEqual([]);
});

test("chooseNeighbours() asks no more than a few", () => {
  const many = Array.from({ length: 50 }, (_, index) => `10.0.0.${index + 100}`);
  expect(chooseNeighbours(config([], many), PLACES, LOCAL, []).length).toBe(NEIGHBOURS_MAX);
});

test("NeighbourBook asks by unicast where it knows the MAC, and by broadcast again after silence", () => {
  const book = new NeighbourBook();
  const gateway = address("203.0.113.1");
  book.setNeighbours([{ interface: "eth0", address: gateway }]);
  expect(book.questions("eth0")).toEqual([{ address: gateway, mac: undefined }]);
  expect(book.answered("eth0", gateway, MAC)).toBe(true);
  expect(Array.from({ length: 4 }, () => book.questions("eth0")[0]?.mac)).toEqual([MAC, MAC, MAC, undefined]);
  book.answered("eth0", gateway, MAC);
  expect(book.questions("eth0")).toEqual([{ address: gateway, mac: MAC }]);
});

test("NeighbourBook knows no strangers and keeps MACs over a new list", () => {
  const book = new NeighbourBook();
  const [a, b] = [address("10.0.0.11"), address("10.0.0.12")];
  book.setNeighbours([{ interface: "eth1", address: a }]);
  expect([book.answered("eth1", b, MAC), book.answered("eth0", a, MAC)]).toEqual([false, false]);
  book.answered("eth1", a, MAC);
  book.setNeighbours([
    { interface: "eth1", address: b },
    { interface: "eth1", address: a },
  ]);
  expect(book.withMacs("eth1")).toEqual([{ address: a, mac: MAC }]);
});
