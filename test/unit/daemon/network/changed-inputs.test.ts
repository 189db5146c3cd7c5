import { expect, test } from "bun:test";
import { ToldInputs } from "../../../../src/daemon/network/changed-inputs.ts";
import type { Input } from "../../../../src/failover/machine/failover-input.ts";

const carrier = (side: "public" | "private", up: boolean): Input => ({ kind: "carrier", side, up });

test("ToldInputs lets through what differs from what was told last of the same", () => {
  const told = new ToldInputs();
  const both = [carrier("public", true), carrier("private", true)];
  expect(told.fresh(both)).toEqual(both);
  expect(told.fresh(both)).toEqual([]);
  expect(told.fresh([carrier("public", false), carrier("private", true)])).toEqual([carrier("public", false)]);
  expect(told.fresh(both)).toEqual([carrier("public", true)]);
});
