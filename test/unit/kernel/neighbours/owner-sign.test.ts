import { describe, expect, test } from "bun:test";
import {
  announcementFrames,
  announcementsTo,
  questionFrame,
} from "../../../../src/kernel/neighbours/neighbour-frames.ts";
import { addressFilter, readOwnerSign } from "../../../../src/kernel/neighbours/owner-sign.ts";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { address } from "../../../../src/model/address.ts";
import type { MacAddress } from "../../../../src/model/mac-address.ts";
import { compileFilter, FILTER_INSTRUCTIONS_MAX } from "../../../../src/sys/sockets/socket-filter.ts";

const OURS = { index: 2, name: "eth0", mac: "02:00:00:00:00:01" as MacAddress };
const THEIRS = { index: 3, name: "eth0", mac: "02:00:00:00:00:02" as MacAddress };
const FAMILIES = {
  inet: { vip: address("203.0.113.10"), own: address("203.0.113.2") },
  inet6: { vip: address("2001:db8::10"), own: address("2001:db8::2") },
};

describe.each(["inet", "inet6"] as const)("readOwnerSign() for %s", (family) => {
  const { vip, own } = FAMILIES[family];
  const read = (frame: Uint8Array | undefined) => readOwnerSign(family, frame ?? new Uint8Array(), OURS.mac);

  test("takes what others announce to all for an announcement", () => {
    for (const frame of announcementFrames(vip, THEIRS, "both", false)) {
      expect(read(frame)).toEqual({ address: vip, mac: THEIRS.mac, kind: "announcement" });
    }
  });

  test("takes what is sent to our MAC for an answer", () => {
    const frame = announcementsTo(vip, THEIRS, { address: own, mac: OURS.mac }, false).at(-1);
    expect(read(frame)).toEqual({ address: vip, mac: THEIRS.mac, kind: "answer" });
  });

  test("takes a question from no address for a probe, and one from an address for no sign of the asked one", () => {
    expect(read(questionFrame(vip, THEIRS, undefined, undefined))).toEqual({
      address: vip,
      mac: THEIRS.mac,
      kind: "probe",
    });
    const asked = read(questionFrame(vip, THEIRS, own, undefined));
    expect(asked?.address).not.toEqual(vip);
  });

  test("takes nothing from this machine itself for a sign", () => {
    for (const frame of announcementFrames(vip, OURS, "both", false)) expect(read(frame)).toBeUndefined();
  });

  test("refuses what is no such packet", () => {
    expect(() => read(new Uint8Array(60))).toThrow(DecodeError);
  });
});

test("announcementsTo() tells a neighbour of an IPv4 VIP in two forms, which both are meant for it alone", () => {
  const frames = announcementsTo(FAMILIES.inet.vip, THEIRS, { address: FAMILIES.inet.own, mac: OURS.mac }, false);
  const kinds = frames.map((frame) => readOwnerSign("inet", frame, OURS.mac)?.kind);
  expect([kinds, new Set(frames.map((frame) => Buffer.from(frame).toString("hex"))).size]).toEqual([
    ["answer", "answer"],
    2,
  ]);
});

test("announcementFrames() gives one frame for each form, and one for IPv6", () => {
  const count = (family: "inet" | "inet6", form: "request" | "reply" | "both") =>
    announcementFrames(FAMILIES[family].vip, OURS, form, false).length;
  expect([count("inet", "request"), count("inet", "reply"), count("inet", "both"), count("inet6", "both")]).toEqual([
    1, 1, 2, 1,
  ]);
});

test.each(["inet", "inet6"] as const)(
  "addressFilter() stays within the kernel's limit for any number of addresses (%s)",
  (family) => {
    for (const count of [1, 200, 201, 1_000]) {
      const addresses = Array.from({ length: count }, (_, index) =>
        address(family === "inet" ? `10.0.${index >> 8}.${index & 255}` : `2001:db8::${index.toString(16)}`),
      );
      expect(compileFilter(addressFilter(family, addresses)).length / 8).toBeLessThan(FILTER_INSTRUCTIONS_MAX);
    }
  },
);
