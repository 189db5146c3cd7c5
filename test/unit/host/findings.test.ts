import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../src/config/parse.ts";
import { Places } from "../../../src/config/places/places.ts";
import { hostFindings } from "../../../src/host/findings.ts";
import type { Host } from "../../../src/host/host.ts";
import { type IpAddress, parseAddress } from "../../../src/model/address.ts";
import type { RouterId } from "../../../src/model/pair.ts";
import { BASE } from "../config/base.ts";

/** A machine of which what a test names is missing. */
interface Machine {
  readonly interfaces?: readonly string[];
  readonly addresses?: readonly string[];
  /** Interfaces on which IPv6 is switched off. */
  readonly withoutIpv6?: readonly string[];
  /** What is wrong with a file or a program, by its path. */
  readonly wrong?: Readonly<Record<string, string>>;
}

function address(text: string): IpAddress {
  const result = parseAddress(text);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}

/** That of the primary, without a fault, but for what is given. Notes what it was asked. */
function hostOf(machine: Machine, asked: string[] = []): Host {
  const {
    interfaces = ["eth0", "eth1"],
    withoutIpv6 = [],
    addresses = ["203.0.113.2", "10.0.0.2"],
    wrong = {},
  } = machine;
  const look = (path: string) => {
    asked.push(path);
    const problem = wrong[path];
    return problem === undefined ? undefined : { problem };
  };
  return {
    hasInterface: (name) => interfaces.includes(name),
    ipv6: (name) => (withoutIpv6.includes(name) ? { problem: `is switched off on ${name}` } : undefined),
    addresses: () => addresses.map(address),
    keyFile: look,
    file: look,
    secretFile: look,
    program: (path, user) => look(user === undefined ? path : `${path} as ${user}`),
  };
}

/** `LINE:COLUMN: MESSAGE` of each finding about the base file with these tables after it. */
function found(machine: Machine, more = "", router?: RouterId, edit: (text: string) => string = (text) => text) {
  const text = edit(BASE + more);
  const result = parseConfig(text);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return hostFindings(result.config, router, new Places(text), hostOf(machine)).map(
    ({ line, column, message }) => `${text.split("\n")[line - 1]?.slice(column - 1)}: ${message}`,
  );
}

describe("hostFindings() has", () => {
  test("nothing to say of a machine that has everything", () => {
    expect(found({})).toEqual([]);
  });

  test("the interface of a VIP and of [sync] that is not there, each once", () => {
    const more = '[[vip]]\naddress = "203.0.113.11/24"\ninterface = "eth0"\n[sync]\ninterface = "eth7"\n';
    expect(found({ interfaces: ["eth1"] }, more)).toEqual([
      '"eth0": the interface eth0 is not on this machine',
      '"eth7": the interface eth7 is not on this machine',
    ]);
  });

  test("IPv6 that is switched off where an IPv6 VIP is wanted, once, and nowhere else", () => {
    const vip = (address: string, rest = "") => `[[vip]]\naddress = "${address}"\ninterface = "eth0"\n${rest}`;
    const more = vip("2001:db8::10/64") + vip("2001:db8::11/64");
    expect(found({ withoutIpv6: ["eth0"] }, more)).toEqual(['"2001:db8::10/64": IPv6 is switched off on eth0']);
    expect(found({ withoutIpv6: ["eth1"] }, more)).toEqual([]);
    expect(found({ withoutIpv6: ["eth0"] }, vip("2001:db8::10/64", "required = false\n"))).toEqual([]);
  });

  test("no word about an interface that need not be there, nor about [sync] that is off", () => {
    const optional = '[[vip]]\naddress = "203.0.113.11/24"\ninterface = "eth8"\nrequired = false\n';
    expect(found({}, `${optional}[sync]\nenabled = false\ninterface = "eth7"\n`)).toEqual([]);
    expect(found({}, '[[gate]]\nname = "uplink"\ninterface = "eth9"\n')).toEqual([]);
  });

  test("an own address that is missing, at its setting", () => {
    expect(found({ addresses: ["203.0.113.3"] })).toEqual([
      '"10.0.0.3": this machine, which is lvs2, does not have its private address 10.0.0.3',
    ]);
    expect(found({ addresses: ["203.0.113.3"] }, "", "primary")).toEqual([
      '"203.0.113.2": this machine, which is lvs1, does not have its public address 203.0.113.2',
      '"10.0.0.2": this machine, which is lvs1, does not have its private address 10.0.0.2',
    ]);
  });

  test("a machine that is neither router", () => {
    expect(found({ addresses: ["127.0.0.1"] })).toEqual([
      "[pair.primary]: this machine has no address of lvs1 (203.0.113.2, 10.0.0.2) or lvs2 (203.0.113.3, 10.0.0.3)",
    ]);
  });

  test("the key file, programs of hooks, and those of gates", () => {
    const more = `[[gate]]\nname = "uplink"\ncommand = ["/opt/uplink", "-q"]
[hooks]\ntakeover = ["/opt/move"]\nactive = ["/opt/notify"]\nstandby = ["/opt/notify"]\n`;
    const wrong = { "/etc/tandem/pair.key": "is X", "/opt/uplink as nobody": "is U", "/opt/move": "is M" };
    expect(found({ wrong: { ...wrong, "/opt/notify": "is N" } }, more)).toEqual([
      '"/etc/tandem/pair.key": the key file /etc/tandem/pair.key is X',
      '["/opt/uplink", "-q"]: the program /opt/uplink, run as nobody, is U',
      '["/opt/move"]: the program /opt/move is M',
      '["/opt/notify"]: the program /opt/notify is N',
    ]);
  });
});

describe("hostFindings() stands at the table that has the setting:", () => {
  const wrong = { "/opt/check as nobody": "is C", "/opt/own as nobody": "is O" };
  const external = 'kind = "external"\ncommand = ["/opt/check"]';

  test("the service's check for servers without one", () => {
    expect(found({ wrong }, "", undefined, (text) => text.replace('kind = "tcp"', external))).toEqual([
      '["/opt/check"]: the program /opt/check, run as nobody, is C',
    ]);
  });

  test("a server's own check, and the one that it inherits from", () => {
    const more = '[service.real.check]\ncommand = ["/opt/own"]\n';
    expect(found({ wrong }, more, undefined, (text) => text.replace('kind = "tcp"', external))).toEqual([
      '["/opt/check"]: the program /opt/check, run as nobody, is C',
      '["/opt/own"]: the program /opt/own, run as nobody, is O',
    ]);
  });

  test("the second of several checks, with its files", () => {
    const second = '[[service.check]]\nkind = "https"\nca_file = "/opt/ca.pem"\nbind_interface = "eth9"';
    const edit = (text: string) => text.replace('[service.check]\nkind = "tcp"', `[[service.check]]\n${second}`);
    expect(found({ wrong: { "/opt/ca.pem": "is A" } }, "", undefined, edit)).toEqual([
      '"/opt/ca.pem": the file /opt/ca.pem is A',
      '"eth9": the interface eth9 is not on this machine',
    ]);
  });

  test("a secret, a client's certificate and its key", () => {
    const radius = 'kind = "radius"\nsecret_file = "/opt/secret"\nport = 1812';
    expect(
      found({ wrong: { "/opt/secret": "is S" } }, "", undefined, (text) => text.replace('kind = "tcp"', radius)),
    ).toEqual(['"/opt/secret": the file /opt/secret is S']);
    const tls = 'kind = "https"\ncertificate_file = "/opt/c"\nprivate_key_file = "/opt/k"';
    const both = { "/opt/c": "is C", "/opt/k": "is K" };
    expect(found({ wrong: both }, "", undefined, (text) => text.replace('kind = "tcp"', tls))).toEqual([
      '"/opt/c": the file /opt/c is C',
      '"/opt/k": the file /opt/k is K',
    ]);
  });
});

test("hostFindings() looks at one program once, however many servers name it, and at none whose name has tokens", () => {
  const servers = Array.from({ length: 50 }, (_, index) => {
    const check = `[service.real.check]\nkind = "external"\ncommand = ["/opt/check", "${index}"]\n`;
    return `[[service.real]]\naddress = "10.0.1.${index + 1}:80"\n${check}`;
  });
  const more = `${servers.join("")}[[service.real]]\naddress = "10.0.2.1:80"
[service.real.check]\nkind = "external"\ncommand = ["/opt/check-{port}"]\n`;
  const result = parseConfig(BASE + more);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  const asked: string[] = [];
  hostFindings(result.config, undefined, new Places(BASE + more), hostOf({}, asked));
  expect(asked).toEqual(["/etc/tandem/pair.key", "/opt/check as nobody"]);
});
