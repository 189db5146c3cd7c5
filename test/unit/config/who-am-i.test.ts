import { describe, expect, test } from "bun:test";
import { whoAmI } from "../../../src/config/who-am-i.ts";
import { address } from "../../../src/model/address.ts";

const CONFIG = {
  pair: {
    primary: { name: "lvs1", public: address("203.0.113.2"), private: address("fd00::2") },
    backup: { name: "lvs2", public: address("203.0.113.3"), private: address("fd00::3") },
  },
};
const LOOPBACK = address("127.0.0.1");

describe("whoAmI()", () => {
  test.each([
    ["both addresses of the primary", ["203.0.113.2", "fd00::2"], "primary"],
    ["one address of the primary", ["fd00:0::2"], "primary"],
    ["both addresses of the backup", ["fd00::3", "203.0.113.3"], "backup"],
  ] as const)("knows a router by %s", (_title, local, router) => {
    expect(whoAmI(CONFIG, [LOOPBACK, ...local.map(address)])).toEqual({ ok: true, value: router });
  });

  test("takes the router it is told, whatever addresses there are", () => {
    expect(whoAmI(CONFIG, [], "backup")).toEqual({ ok: true, value: "backup" });
  });

  test("says which addresses it looked for", () => {
    expect(whoAmI(CONFIG, [LOOPBACK])).toEqual({
      ok: false,
      problem: "this machine has no address of lvs1 (203.0.113.2, fd00::2) or lvs2 (203.0.113.3, fd00::3)",
    });
  });

  test("can't tell a machine that has addresses of both", () => {
    expect(whoAmI(CONFIG, [address("203.0.113.2"), address("fd00::3")])).toEqual({
      ok: false,
      problem:
        "this machine has addresses of both routers, 203.0.113.2 of lvs1 and fd00::3 of lvs2; " +
        "say which one it is with --router primary or --router backup",
    });
  });
});
