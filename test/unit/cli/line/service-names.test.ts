import { describe, expect, test } from "bun:test";
import { readCommandLine } from "../../../../src/cli/line/argv.ts";
import { ServiceNames } from "../../../../src/cli/line/service-names.ts";
import { COMMANDS } from "../../../../src/cli/spec/command-table.ts";
import { parsed, problem } from "../../../../src/lib/parsed.ts";
import { formatServiceKey, type ServiceKey } from "../../../../src/model/virtual-service.ts";
import { serviceKey } from "../../../support/balance-fixtures.ts";

const WEB = [serviceKey("tcp://203.0.113.10:80"), serviceKey("tcp://203.0.113.10:443")];
const DNS = [serviceKey("udp://203.0.113.10:53")];

function named(): ServiceNames {
  const names = new ServiceNames();
  names.known = parsed(
    new Map([
      ["web", WEB],
      ["dns", DNS],
    ]),
  );
  return names;
}

function read(names: ServiceNames, ...words: readonly string[]) {
  const noun = COMMANDS.find(({ name }) => name === words[0]);
  const line = readCommandLine(words, COMMANDS, noun, names);
  if (line.kind !== "command") throw new Error("it is a command");
  const { service, services } = line.input as { service?: ServiceKey | ServiceKey[] | "all"; services?: ServiceKey[] };
  const given = service ?? services ?? [];
  return given === "all" ? [] : [given].flat().map(formatServiceKey);
}

// "web" is not a virtual service, it was said.
describe("a service's name", () => {
  test.each([
    [
      ["real", "drain", "web", "10.0.0.11"],
      ["tcp://203.0.113.10:80", "tcp://203.0.113.10:443"],
    ],
    [["real", "undrain", "dns", "10.0.0.11"], ["udp://203.0.113.10:53"]],
    [
      ["service", "drain", "web"],
      ["tcp://203.0.113.10:80", "tcp://203.0.113.10:443"],
    ],
    [["service", "undrain", "dns"], ["udp://203.0.113.10:53"]],
    [["real", "add", "dns", "10.0.0.11"], ["udp://203.0.113.10:53"]],
    [["real", "edit", "dns", "10.0.0.11"], ["udp://203.0.113.10:53"]],
    [["real", "del", "dns", "10.0.0.11"], ["udp://203.0.113.10:53"]],
    [["real", "list", "dns"], ["udp://203.0.113.10:53"]],
    [["service", "list", "dns"], ["udp://203.0.113.10:53"]],
    [["service", "add", "dns"], ["udp://203.0.113.10:53"]],
    [["service", "edit", "dns"], ["udp://203.0.113.10:53"]],
    [
      ["service", "del", "dns", "fwmark:7"],
      ["udp://203.0.113.10:53", "fwmark:7"],
    ],
    [["service", "zero", "dns"], ["udp://203.0.113.10:53"]],
  ])("in %j", (words, services) => {
    const names = named();
    expect([read(names, ...words), names.isAsked]).toEqual([services, true]);
  });

  test.each([["all"], ["fwmark:7"], ["tcp://203.0.113.10:80"]])("is not what %p is", (text) => {
    const names = named();
    read(names, "real", "drain", text, "10.0.0.11");
    expect(names.isAsked).toBe(false);
  });

  test.each([
    [
      ["real", "list", "web"],
      "SERVICE: web listens on 2: tcp://203.0.113.10:80, tcp://203.0.113.10:443; write the one that is meant",
    ],
    [["service", "drain", "wbe"], 'SERVICE: no [[service]] is named "wbe"; did you mean web?'],
    [
      ["real", "drain", "10.0.0.1", "10.0.0.11"],
      'SERVICE: no [[service]] is named "10.0.0.1"; a virtual service is written tcp://ADDRESS:PORT',
    ],
  ])("in %j is refused", (words, reason) => {
    expect(() => read(named(), ...words)).toThrow(reason);
  });

  test("that cannot be looked up is refused with the reason", () => {
    const names = new ServiceNames();
    names.known = problem("no daemon answers, and x cannot be read: there is no such file (ENOENT)");
    expect(() => read(names, "service", "drain", "web")).toThrow(
      'SERVICE: no [[service]] "web" can be looked up: no daemon answers, and x cannot be read: there is no such file (ENOENT)',
    );
  });
});
