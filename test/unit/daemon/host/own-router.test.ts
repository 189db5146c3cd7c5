import { describe, expect, test } from "bun:test";
import { findOwnRouter } from "../../../../src/daemon/host/own-router.ts";
import { address } from "../../../../src/model/address.ts";
import type { RouterId } from "../../../../src/model/pair.ts";

function router(name: string, digit: number) {
  return { name, public: address(`203.0.113.${digit}`), private: address(`10.0.0.${digit}`) };
}

function pairOf(primary: number, backup: number) {
  return { pair: { primary: router("lvs1", primary), backup: router("lvs2", backup) } } as Parameters<
    typeof findOwnRouter
  >[0]["config"] extends () => infer T
    ? T
    : never;
}

/** A machine that has other addresses at each look. */
async function find(
  looks: readonly (readonly string[])[],
  more: { readonly router?: RouterId; readonly configs?: readonly ReturnType<typeof pairOf>[] } = {},
) {
  const said: string[] = [];
  let look = 0;
  const { configs = [pairOf(2, 3)], ...rest } = more;
  const found = await findOwnRouter({
    ...rest,
    config: () => configs[Math.min(look, configs.length - 1)] ?? pairOf(2, 3),
    addresses: () => (looks[look] ?? []).map(address),
    onWait: (problem) => said.push(problem),
    pause: () => {
      look += 1;
      return Promise.resolve(look < looks.length);
    },
  });
  return { found, said };
}

const NOTHING = "this machine has no address of lvs1 (203.0.113.2, 10.0.0.2) or lvs2 (203.0.113.3, 10.0.0.3)";

describe("findOwnRouter()", () => {
  test("waits until an address of either router is there, and says once what is missing", async () => {
    const looks = [["127.0.0.1"], [], ["127.0.0.1", "203.0.113.10"], ["10.0.0.3"]];
    expect(await find(looks)).toEqual({ found: "backup", said: [NOTHING] });
  });

  test("waits for nothing where it is known", async () => {
    expect(await find([["203.0.113.2"]])).toEqual({ found: "primary", said: [] });
    expect(await find([[]], { router: "backup" })).toEqual({ found: "backup", said: [] });
  });

  test("ends when nobody waits any more", async () => {
    expect(await find([[], []])).toEqual({ found: undefined, said: [NOTHING] });
  });

  test("takes a configuration that was mended meanwhile", async () => {
    const looks = [["203.0.113.5"], ["203.0.113.5"]];
    expect(await find(looks, { configs: [pairOf(2, 3), pairOf(5, 6)] })).toEqual({ found: "primary", said: [NOTHING] });
  });

  test("fails at once where waiting would not help", async () => {
    const error = await find([["203.0.113.2", "10.0.0.3"]]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ exitCode: 2, reason: expect.stringContaining("addresses of both routers") });
  });
});
