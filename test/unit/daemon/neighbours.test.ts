import { expect, test } from "bun:test";
import type { Config } from "../../../src/config/config.ts";
import { chooseNeighbours, NEIGHBOURS_MAX, NeighbourBook } from "../../../src/daemon/neighbours.ts";
import { address, parseAddressPrefix } from "../../../src/model/address.ts";
import type { InterfaceAddress } from "../../../src/model/interface-address.ts";
import type { MacAddress } from "../../../src/model/mac-address.ts";

const INTERFACES = { public: "eth0", private: "eth1" };
const MAC = "02:00:00:00:00:01" as MacAddress;

function own(name: string, text: string): InterfaceAddress {
  const prefix = parseAddressPrefix(text);
  if (!prefix.ok) throw new Error(prefix.problem);
  return {
    interface: name,
    interfaceIndex: 1,
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

const LOCAL = [own("eth0", "203.0.113.2/24"), own("eth1", "10.0.0.2/24")];

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
    vips: [{ prefix: { address: address("203.0.113.10"), prefixLength: 24 }, interface: "eth0" }],
    services: [{ servers: servers.map((text) => ({ server: { endpoint: { address: address(text), port: 80 } } })) }],
  } as unknown as Config;
}

function texts(chosen: ReturnType<typeof chooseNeighbours>): string[] {
  return chosen.map(({ side, address: { text } }) => `${side} ${text}`);
}

test("chooseNeighbours() takes gateways and real servers of each side's own network", () => {
  const made = config([], ["10.0.0.11", "10.0.0.12", "192.0.2.1"]);
  expect(texts(chooseNeighbours(made, INTERFACES, LOCAL, [address("203.0.113.1")]))).toEqual([
    "public 203.0.113.1",
    "private 10.0.0.11",
    "private 10.0.0.12",
  ]);
});

test("chooseNeighbours() takes only the configured ones when there are any", () => {
  const made = config(["203.0.113.7"], ["10.0.0.11"]);
  expect(texts(chooseNeighbours(made, INTERFACES, LOCAL, [address("203.0.113.1")]))).toEqual(["public 203.0.113.7"]);
});

test("chooseNeighbours() never takes a router of the pair or a VIP", () => {
  const made = config(["203.0.113.3", "203.0.113.10", "10.0.0.3"], []);
  expect(chooseNeighbours(made, INTERFACES, LOCAL, [])).toEqual([]);
});

test("chooseNeighbours() asks no more than a few", () => {
  const many = Array.from({ length: 50 }, (_, index) => `10.0.0.${index + 100}`);
  expect(chooseNeighbours(config([], many), INTERFACES, LOCAL, []).length).toBe(NEIGHBOURS_MAX);
});

test("NeighbourBook asks by unicast where it knows the MAC, and by broadcast again after silence", () => {
  const book = new NeighbourBook();
  const gateway = address("203.0.113.1");
  book.setNeighbours([{ side: "public", address: gateway }]);
  expect(book.questions("public")).toEqual([{ address: gateway, mac: undefined }]);
  expect(book.answered("public", gateway, MAC)).toBe(true);
  expect(Array.from({ length: 4 }, () => book.questions("public")[0]?.mac)).toEqual([MAC, MAC, MAC, undefined]);
  book.answered("public", gateway, MAC);
  expect(book.questions("public")).toEqual([{ address: gateway, mac: MAC }]);
});

test("NeighbourBook knows no strangers and keeps MACs over a new list", () => {
  const book = new NeighbourBook();
  const [a, b] = [address("10.0.0.11"), address("10.0.0.12")];
  book.setNeighbours([{ side: "private", address: a }]);
  expect([book.answered("private", b, MAC), book.answered("public", a, MAC)]).toEqual([false, false]);
  book.answered("private", a, MAC);
  book.setNeighbours([
    { side: "private", address: b },
    { side: "private", address: a },
  ]);
  expect(book.withMacs("private")).toEqual([{ address: a, mac: MAC }]);
});
