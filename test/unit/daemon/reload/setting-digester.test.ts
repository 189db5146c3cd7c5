import { expect, test } from "bun:test";
import { parseConfig } from "../../../../src/config/parse.ts";
import { SettingDigester } from "../../../../src/daemon/reload/setting-digester.ts";
import type { SettingDigest } from "../../../../src/model/setting-digest.ts";
import { KEY, OTHER_KEY } from "../../../support/heartbeats.ts";
import { BASE } from "../../config/base.ts";

const result = parseConfig(BASE);

test("SettingDigester digests only what it was started with last, by ascending ids and with each key", async () => {
  if (!result.ok) throw new Error("the base file is not valid");
  const digester = new SettingDigester();
  const { promise, resolve } = Promise.withResolvers<readonly SettingDigest[]>();
  const told: string[] = [];
  digester.start(result.config, [KEY], () => told.push("first"));
  digester.start(result.config, [KEY, OTHER_KEY], (digests) => {
    told.push("second");
    resolve(digests);
  });
  const digests = await promise;
  const ids = digests.map(({ id }) => id);
  expect(told).toEqual(["second"]);
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
  expect(digests.map(({ name }) => name)).toContain("service web: scheduler");
  expect(digests.filter(({ values: [one, other] }) => one === other)).toEqual([]);
  digester.stop();
});
