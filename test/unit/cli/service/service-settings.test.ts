import { describe, expect, test } from "bun:test";
import { newService, type ServiceSettings, withSettings } from "../../../../src/cli/service/service-settings.ts";
import { address } from "../../../../src/model/address.ts";
import type { VirtualService } from "../../../../src/model/virtual-service.ts";
import { keyOf } from "../../../support/must.ts";

const NOTHING: ServiceSettings = {
  scheduler: undefined,
  schedulerFlag: [],
  persistence: undefined,
  persistencePrefix: undefined,
  persistenceNetmask: undefined,
  persistenceEngine: undefined,
  onePacket: false,
};

const WEB = newService(keyOf("tcp://10.0.0.1:80"));
const STICKY: VirtualService = {
  key: keyOf("udp://10.0.0.1:53"),
  scheduler: "sh",
  schedulerFlags: ["flag-2"],
  persistence: { timeoutSeconds: 300, prefixLength: 24 },
  onePacket: true,
};

describe("withSettings()", () => {
  test.each([
    ["leaves everything as it is", STICKY, {}, STICKY],
    [
      "changes the timeout alone",
      STICKY,
      { persistence: 60 },
      { ...STICKY, persistence: { timeoutSeconds: 60, prefixLength: 24 } },
    ],
    [
      "drops flags with their scheduler",
      STICKY,
      { scheduler: "rr" },
      { ...STICKY, scheduler: "rr", schedulerFlags: [] },
    ],
    [
      "names flags by their scheduler",
      WEB,
      { scheduler: "mh", schedulerFlag: ["mh-port", "mh-fallback"] },
      { ...WEB, scheduler: "mh", schedulerFlags: ["flag-1", "flag-2"] },
    ],
    [
      "gives persistence the full length",
      WEB,
      { persistence: 60 },
      { ...WEB, persistence: { timeoutSeconds: 60, prefixLength: 32 } },
    ],
    [
      "takes a mask as a prefix",
      WEB,
      { persistence: 60, persistenceNetmask: address("255.255.240.0") },
      { ...WEB, persistence: { timeoutSeconds: 60, prefixLength: 20 } },
    ],
    [
      "keeps a mask that is no prefix",
      { ...WEB, persistence: { timeoutSeconds: 60, prefixLength: 16, irregularMask: "255.0.255.0" } },
      { persistence: 90 },
      { ...WEB, persistence: { timeoutSeconds: 90, prefixLength: 16, irregularMask: "255.0.255.0" } },
    ],
    [
      "replaces a mask that is no prefix",
      { ...WEB, persistence: { timeoutSeconds: 60, prefixLength: 16, irregularMask: "255.0.255.0" } },
      { persistencePrefix: 8 },
      { ...WEB, persistence: { timeoutSeconds: 60, prefixLength: 8 } },
    ],
    [
      "clears flags and one-packet",
      STICKY,
      { noSchedulerFlags: true, noOnePacket: true },
      { ...STICKY, schedulerFlags: [], onePacket: false },
    ],
  ] as const)("%s", (_name, current, settings, expected) => {
    expect(withSettings(current, { ...NOTHING, ...settings })).toEqual({ ok: true, value: expected as VirtualService });
  });

  test("ends persistence", () => {
    const { persistence: _, ...rest } = STICKY;
    expect(withSettings(STICKY, { ...NOTHING, noPersistence: true })).toEqual({ ok: true, value: rest });
  });

  test.each([
    [
      "a flag of another scheduler",
      WEB,
      { schedulerFlag: ["sh-port"] },
      /--scheduler-flag: "sh-port" is a flag of the scheduler sh, not of wlc/,
    ],
    ["a prefix without persistence", WEB, { persistencePrefix: 24 }, /--persistence-prefix needs --persistence TIME/],
    [
      "too long a prefix",
      WEB,
      { persistence: 60, persistencePrefix: 64 },
      /--persistence-prefix 64 is not one of 0 to 32/,
    ],
    [
      "a prefix that the kernel does not take",
      newService(keyOf("tcp://[2001:db8::1]:80")),
      { persistence: 60, persistencePrefix: 0 },
      /--persistence-prefix 0 is not one of 1 to 128/,
    ],
    [
      "a mask for IPv6",
      newService(keyOf("fwmark:7/inet6")),
      { persistence: 60, persistenceNetmask: address("255.255.255.0") },
      /--persistence-netmask is for IPv4/,
    ],
    [
      "a mask beside a prefix",
      WEB,
      { persistence: 60, persistencePrefix: 24, persistenceNetmask: address("255.255.255.0") },
      /say the same; give one of them/,
    ],
    ["a mask alone", WEB, { persistenceNetmask: address("255.0.0.0") }, /--persistence-netmask needs --persistence/],
    [
      "persistence and none",
      STICKY,
      { persistence: 60, noPersistence: true },
      /--no-persistence contradicts --persistence/,
    ],
    ["one packet and not", STICKY, { onePacket: true, noOnePacket: true }, /--no-one-packet contradicts --one-packet/],
    ["one packet by TCP", WEB, { onePacket: true }, /--one-packet is for UDP/],
    [
      "any port without persistence",
      newService(keyOf("tcp://10.0.0.1:0")),
      {},
      /port 0, any port, needs --persistence/,
    ],
  ] as const)("refuses %s", (_name, current, settings, problem) => {
    const result = withSettings(current, { ...NOTHING, ...settings });
    expect(result.ok ? "accepted" : result.problem).toMatch(problem);
  });
});
