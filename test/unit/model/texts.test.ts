import { describe, expect, test } from "bun:test";
import { formatDuration, formatSpan, parseDuration } from "../../../src/model/duration.ts";
import { macBytes, macFromBytes, parseMacAddress } from "../../../src/model/mac-address.ts";
import {
  formatSchedulerFlag,
  parseSchedulerFlag,
  SCHEDULER_FLAG_NAMES,
  sortedSchedulerFlags,
} from "../../../src/model/scheduler-flag.ts";
import { formatServiceKey, parseServiceKey } from "../../../src/model/virtual-service.ts";

describe("parseDuration()", () => {
  test.each([
    ["0ms", 0],
    ["200ms", 200],
    ["1s", 1000],
    ["1.5s", 1500],
    ["0.25s", 250],
    ["10m", 600_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["1.001s", 1001],
    ["1.1s", 1100],
    ["2.3s", 2300],
    ["0.7m", 42_000],
  ])("reads %s as %d ms", (text, ms) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: ms });
  });

  test.each([
    "",
    "5",
    "1 s",
    "-1s",
    "1w",
    "1S",
    "1e3s",
    "1,5s",
    ".5s",
    "1.s",
    "1h30m",
    "0x1s",
    "1s ",
    "12345678901234567ms",
  ])("refuses %p", (text) => {
    const problem = `${JSON.stringify(text)} is not a duration; write a number with a unit, such as "200ms" or "1.5s"`;
    expect(parseDuration(text)).toEqual({ ok: false, problem });
  });

  test("refuses fractions of a millisecond, and more of them than a number can count", () => {
    expect(parseDuration("9007199254740993ms").ok).toBe(false);
    expect(parseDuration("0.5ms")).toEqual({ ok: false, problem: '"0.5ms" is not a whole number of milliseconds' });
  });
});

test.each([
  [0, "0ms"],
  [250, "250ms"],
  [1000, "1s"],
  [1500, "1.5s"],
  [1230, "1230ms"],
  [60_000, "1m"],
  [90_000, "90s"],
  [3_600_000, "1h"],
  [86_400_000, "1d"],
])("formatDuration() writes %d ms as %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

describe("parseServiceKey()", () => {
  test.each([
    ["tcp://203.0.113.10:80", "tcp://203.0.113.10:80"],
    ["udp://[2001:DB8::10]:53", "udp://[2001:db8::10]:53"],
    ["sctp://203.0.113.10", "sctp://203.0.113.10:0"],
    ["fwmark:7", "fwmark:7"],
    ["fwmark:7/inet", "fwmark:7"],
    ["fwmark:4294967295/inet6", "fwmark:4294967295/inet6"],
  ])("reads %s as %s", (text, canonical) => {
    const result = parseServiceKey(text);
    expect(result.ok && formatServiceKey(result.value)).toBe(canonical);
  });

  test.each([
    "",
    "tcp:203.0.113.10:80",
    "TCP://203.0.113.10:80",
    "icmp://203.0.113.10",
    "tcp://",
    "tcp://x:80",
    "fwmark:0",
    "fwmark:4294967296",
    "fwmark:-1",
    "fwmark:1/inet4",
    "fwmark:",
  ])("refuses %p", (text) => {
    expect(parseServiceKey(text).ok).toBe(false);
  });
});

describe("parseMacAddress()", () => {
  test("reads any case and gives lower case, whose bytes are the address", () => {
    const result = parseMacAddress("02:00:5E:10:00:fF");
    expect(result).toEqual({ ok: true, value: "02:00:5e:10:00:ff" as never });
    expect(result.ok && [...macBytes(result.value)]).toEqual([2, 0, 0x5e, 0x10, 0, 0xff]);
    expect(macFromBytes(new Uint8Array([2, 0, 0x5e, 0x10, 0, 0xff]))).toBe("02:00:5e:10:00:ff" as never);
  });
  test.each(["", "02:00:5e:10:00", "02:00:5e:10:00:f", "02-00-5e-10-00-ff", "02:00:5e:10:00:fg"])(
    "refuses %p",
    (text) => {
      expect(parseMacAddress(text)).toEqual({ ok: false, problem: `${JSON.stringify(text)} is not a MAC address` });
    },
  );
});

describe("parseSchedulerFlag()", () => {
  test("knows the names that flags have with sh and mh (linux/ip_vs.h)", () => {
    const flags = ["sh", "mh"].map((scheduler) =>
      ["fallback", "port"].map((name) => parseSchedulerFlag(scheduler, `${scheduler}-${name}`)),
    );
    const pair = [
      { ok: true, value: "flag-1" },
      { ok: true, value: "flag-2" },
    ];
    expect(flags).toEqual([pair, pair] as never);
  });

  test("says whose flag it is, or which there are", () => {
    expect(parseSchedulerFlag("rr", "sh-port")).toEqual({
      ok: false,
      problem: '"sh-port" is a flag of the scheduler sh, not of rr',
    });
    expect(parseSchedulerFlag("sh", "port")).toEqual({
      ok: false,
      problem: `"port" is not a scheduler's flag; there are ${SCHEDULER_FLAG_NAMES.join(", ")}`,
    });
  });

  test("its counterpart writes the name where the scheduler has one", () => {
    const written = ["sh", "mh", "wlc"].map((scheduler) =>
      (["flag-1", "flag-2", "flag-3"] as const).map((flag) => formatSchedulerFlag(scheduler, flag)),
    );
    expect(written).toEqual([
      ["sh-fallback", "sh-port", "flag-3"],
      ["mh-fallback", "mh-port", "flag-3"],
      ["flag-1", "flag-2", "flag-3"],
    ]);
  });
});

test("sortedSchedulerFlags() drops repeats and has one order", () => {
  expect(sortedSchedulerFlags(["flag-3", "flag-1", "flag-3"])).toEqual(["flag-1", "flag-3"]);
});

describe("formatSpan()", () => {
  test.each([
    [0, "0ms"],
    [999.4, "999ms"],
    [2_340, "2.3s"],
    [59_960, "1m"],
    [754_000, "12m 34s"],
    [10_920_000, "3h 2m"],
    [435_600_000, "5d 1h"],
  ])("%p ms is %s", (ms, text) => expect(formatSpan(ms)).toBe(text));
});
