import { expect, test } from "bun:test";
import { patiently } from "../../../../src/daemon/host/patiently.ts";
import { TandemError } from "../../../../src/lib/errors.ts";

const taken = () => new TandemError({ operation: "start", reason: "the port is taken" });

test("patiently() takes what becomes free soon", async () => {
  let tries = 0;
  await patiently(() => {
    tries += 1;
    if (tries < 3) throw taken();
  });
  expect(tries).toBe(3);
});

test("patiently() gives up on what stays taken, and at once on a defect", async () => {
  let tries = 0;
  const failing = patiently(() => {
    tries += 1;
    throw taken();
  });
  await expect(failing).rejects.toThrow("the port is taken");
  expect(tries).toBeGreaterThan(1);
  let defects = 0;
  const broken = patiently(() => {
    defects += 1;
    throw new Error("a defect");
  });
  await expect(broken).rejects.toThrow("a defect");
  expect(defects).toBe(1);
});
