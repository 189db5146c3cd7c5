import { describe, expect, test } from "bun:test";
import { type AnswerContext, meaningOf } from "../../../../src/daemon/network/answer-meaning.ts";
import type { OwnerAnswer } from "../../../../src/kernel/neighbours/owner-probe.ts";
import { address } from "../../../../src/model/address.ts";
import type { MacAddress } from "../../../../src/model/mac-address.ts";

const OWN_MAC = "02:00:00:00:00:01" as MacAddress;
const MAC = "02:00:00:00:00:02" as MacAddress;

const CONTEXT: AnswerContext = {
  sides: { public: "eth0", private: "eth1" },
  own: { public: address("203.0.113.2"), private: address("10.0.0.2") },
  peer: { public: address("203.0.113.3"), private: address("10.0.0.3") },
  isOwnMac: ({ mac }) => mac === OWN_MAC,
  isNeighbour: (answer) => answer.interface === "eth0" && answer.address.text === "203.0.113.1",
};

function answer(text: string, more: Partial<OwnerAnswer> = {}): OwnerAnswer {
  return { address: address(text), mac: MAC, kind: "answer", interface: "eth0", interfaceIndex: 2, ...more };
}

describe("meaningOf()", () => {
  test("the peer's own address proves its kernel, on the side that it belongs to and to us alone", () => {
    const said = (text: string, more?: Partial<OwnerAnswer>) => meaningOf(answer(text, more), CONTEXT);
    const input = { kind: "peer-answer", side: "public", mac: MAC } as const;
    expect(said("203.0.113.3")).toEqual({ kind: "peer", input });
    expect(said("10.0.0.3", { interface: "eth1" })).toEqual({ kind: "peer", input: { ...input, side: "private" } });
    expect(said("203.0.113.3", { kind: "announcement" })).toBeUndefined();
    expect(said("203.0.113.3", { kind: "probe" })).toBeUndefined();
  });

  test("who has this router's own address is its twin, on the side that the address belongs to", () => {
    const said = (text: string, more?: Partial<OwnerAnswer>) => meaningOf(answer(text, more), CONTEXT);
    const input = { kind: "twin", side: "public", mac: MAC } as const;
    expect(said("203.0.113.2")).toEqual({ kind: "twin", input });
    // IPv6: told to all.
    expect(said("203.0.113.2", { kind: "announcement" })).toEqual({ kind: "twin", input });
    expect(said("203.0.113.2", { kind: "probe" })).toBeUndefined();
    expect(said("203.0.113.2", { mac: OWN_MAC })).toBeUndefined();
    expect(said("203.0.113.2", { interface: "eth1" })?.kind).not.toBe("twin");
  });

  test("it is never a neighbour's evidence, not even where it was configured as a neighbour", () => {
    const context = { ...CONTEXT, isNeighbour: () => true };
    expect(meaningOf(answer("203.0.113.3"), context)?.kind).toBe("peer");
  });

  test("a neighbour's sign of life is one in any form", () => {
    for (const kind of ["answer", "announcement", "probe"] as const) {
      expect(meaningOf(answer("203.0.113.1", { kind }), CONTEXT)).toEqual({ kind: "neighbour", interface: "eth0" });
    }
  });

  test("who says that it has a VIP is told, who only asks for one is not", () => {
    const owner = { kind: "owner-answer", address: address("203.0.113.10"), mac: MAC, interface: "eth0" } as const;
    expect(meaningOf(answer("203.0.113.10", { kind: "announcement" }), CONTEXT)).toEqual({
      kind: "owner",
      input: { ...owner, announced: true },
    });
    expect(meaningOf(answer("203.0.113.10"), CONTEXT)).toEqual({ kind: "owner", input: owner });
    expect(meaningOf(answer("203.0.113.10", { kind: "probe" }), CONTEXT)).toBeUndefined();
  });

  test("what this machine says to itself means nothing", () => {
    for (const text of ["203.0.113.10", "203.0.113.3", "203.0.113.1"]) {
      expect(meaningOf(answer(text, { mac: OWN_MAC }), CONTEXT)).toBeUndefined();
    }
  });
});
