import { expect, test } from "bun:test";
import { type AppliedConfig, AppliedRecord } from "../../../../src/daemon/reload/applied-config.ts";
import { textDigest } from "../../../../src/daemon/reload/configuration.ts";

function applied(text: string): AppliedConfig {
  return { path: "/etc/tandem/tandem.toml", text, digest: textDigest(text), at: "2026-12-01T00:00:00.000Z" };
}

/** A record, what it has on the disk, and the configuration in force. */
function begin() {
  const disk: { value?: unknown } = {};
  const now = { inForce: applied("first") };
  const file = {
    write: (value: object) => {
      disk.value = value;
    },
    tried: () => Promise.resolve(undefined),
  };
  return { disk, now, record: new AppliedRecord(file, () => now.inForce) };
}

test("AppliedRecord has the configuration that was in force until nothing of it is in the kernel", async () => {
  const { disk, now, record } = begin();
  await record.note({ text: "second" });
  expect(disk.value).toEqual({ version: 1, ...applied("first"), beside: "second" });
  expect(await record.keep(applied("second"))).toBeUndefined();
  now.inForce = applied("second");
  const gone = Promise.withResolvers<boolean>();
  const settling = record.settle(gone.promise);
  expect(disk.value).toEqual({ version: 1, ...applied("second"), beside: "first" });
  gone.resolve(true);
  await settling;
  expect(disk.value).toEqual({ version: 1, ...applied("second") });
});

test("AppliedRecord keeps what it cannot know to be gone, and what was kept meanwhile", async () => {
  const { disk, now, record } = begin();
  await record.keep(applied("second"));
  now.inForce = applied("second");
  await record.settle(Promise.resolve(false));
  expect(disk.value).toEqual({ version: 1, ...applied("second"), beside: "first" });
  const gone = Promise.withResolvers<boolean>();
  const settling = record.settle(gone.promise);
  await record.note({ text: "third" });
  gone.resolve(true);
  await settling;
  expect(disk.value).toEqual({ version: 1, ...applied("second"), beside: "third" });
});
