import { describe, expect, test } from "bun:test";
import { parseIpvsadm } from "../../../../src/import/ipvsadm/ipvsadm.ts";
import { formatIpvsadm } from "../../../../src/import/ipvsadm/ipvsadm-format.ts";
import { lookupIn } from "../../../../src/import/words/name-lookup.ts";
import type { WantedService } from "../../../../src/model/ipvs-table.ts";
import { endpointOf, keyOf } from "../../../support/must.ts";

/** What `ipvsadm -Sn` of version 1.31 printed for a table with every option, on Linux 6.1. */
const SAVED = `-A -t 203.0.113.10:0 -s mh -p 360 -b mh-port
-A -t 203.0.113.10:80 -s wlc
-a -t 203.0.113.10:80 -r 10.0.0.11:80 -m -w 3
-a -t 203.0.113.10:80 -r 10.0.0.12:8080 -m -w 0
-a -t 203.0.113.10:80 -r 10.0.0.13:80 -g -w 1
-a -t 203.0.113.10:80 -r 10.0.0.14:80 -i -w 1 --tun-type ipip
-a -t 203.0.113.10:80 -r 10.0.0.15:80 -i -w 1 --tun-type gre --tun-csum
-a -t 203.0.113.10:80 -r 10.0.0.16:80 -i -w 1 --tun-type gre --tun-nocsum
-a -t 203.0.113.10:80 -r 10.0.0.17:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum
-a -t 203.0.113.10:80 -r 10.0.0.18:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
-a -t 203.0.113.10:80 -r 10.0.0.19:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 203.0.113.10:80 -r [2001:db8::11]:80 -i -w 1 --tun-type ipip
-A -t 203.0.113.10:443 -s mh -p 600 -M 255.255.255.0 -b mh-fallback
-A -t 203.0.113.11:443 -s wlc -p 600 -M 255.0.255.0 -b flag-1,flag-2
-A -u 203.0.113.10:53 -s sh -o -b sh-fallback,sh-port
-A -u 203.0.113.10:5060 -s rr -p 90 --pe sip -o
-A --sctp-service 203.0.113.10:3868 -s wrr
-a --sctp-service 203.0.113.10:3868 -r 10.0.0.11:3868 -m -w 2147483647
-A -t [2001:db8::10]:80 -s lc -p 300 -M 64
-a -t [2001:db8::10]:80 -r [2001:db8::11]:80 -m -w 1
-A -f 7 -s rr
-a -f 7 -r 10.0.0.11:0 -m -w 1
-a -f 7 -r 10.0.0.12:8080 -m -w 1
-A -f 7 -6 -s rr -p 100
`;

/** The table that a text leaves behind; what is wrong otherwise. */
function tableOf(text: string): readonly WantedService[] | readonly string[] {
  const result = parseIpvsadm(text);
  return result.ok
    ? result.services
    : result.issues.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

const service = (key: string, scheduler = "wlc") => ({
  key: keyOf(key),
  scheduler,
  schedulerFlags: [],
  onePacket: false,
});
const server = (endpoint: string) => ({
  endpoint: endpointOf(endpoint),
  forward: "direct" as const,
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
});
const WEB = "-A -t 1.1.1.1:80 -s rr\n";

describe("parseIpvsadm() and formatIpvsadm()", () => {
  test("lose nothing of what ipvsadm -Sn prints", () => {
    const result = parseIpvsadm(SAVED);
    expect(result).toMatchObject({ ok: true, warnings: [] });
    expect(result.ok && formatIpvsadm(result.services)).toBe(SAVED);
  });

  test("keep what ipvsadm -Sn leaves out", () => {
    const text = `-A -t 1.1.1.1:80 -s mh -b mh-fallback,flag-3\n-a -t 1.1.1.1:80 -r 10.0.0.1:80 -m -w 1 -x 500 -y 400\n`;
    const result = parseIpvsadm(text);
    expect(result.ok && formatIpvsadm(result.services)).toBe(text);
  });

  test("write large marks as numbers that ipvsadm takes back", () => {
    const result = parseIpvsadm("-A -f -1 -s rr");
    expect(result.ok && formatIpvsadm(result.services)).toBe("-A -f 4294967295 -s rr\n");
  });
});

describe("parseIpvsadm() reads what ipvsadm -R takes", () => {
  // Each line was given to ipvsadm 1.31, and -Sn showed what it made of it.
  const rr = [{ service: service("tcp://1.1.1.1:80", "rr"), servers: [] }];
  test.each([
    ["joined short options", "-At1.1.1.1:80 -srr"],
    ["long options", "--add-service --tcp-service 1.1.1.1:80 --scheduler rr"],
    ["long options with an equals sign", "--add-service --tcp-service=1.1.1.1:80 --scheduler=rr"],
    ["the program's name, however often", "ipvsadm ipvsadm -A -t 1.1.1.1:80 -s rr"],
    ["blanks and tabs", "  -A  -t\t1.1.1.1:80 -s rr \r"],
    ["options before the command", "-t 1.1.1.1:80 -s rr -A"],
    ["leading zeros of a port", "-A -t 1.1.1.1:0080 -s rr"],
    ["blank lines and comments", "# saved\n\n-A -t 1.1.1.1:80 -s rr\n"],
    ["a netmask without persistence, which has no effect", "-A -t 1.1.1.1:80 -M 255.255.255.0 -s rr"],
    ["an engine without persistence, which has none either", "-A -t 1.1.1.1:80 -s rr --pe sip"],
    ["no flags after -b", "-A -t 1.1.1.1:80 -s rr -b "],
    ["a later change", `-A -t 1.1.1.1:80 -p 9\n-E -t 1.1.1.1:80 -s rr`],
    ["a deletion", `${WEB}-A -f 1\n-D -f 1`],
    ["a new beginning", `-A -f 1\n-C\n${WEB}`],
    ["a real server that comes and goes", `${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1\n-d -t 1.1.1.1:80 -r 10.0.0.1`],
  ])("%s", (_title, text) => {
    expect(tableOf(text)).toEqual(rr);
  });

  const persistent = (key: string, timeoutSeconds: number, prefixLength: number) => [
    { service: { ...service(key), persistence: { timeoutSeconds, prefixLength } }, servers: [] },
  ];
  test.each([
    ["-A -t ::9 -p 3", persistent("tcp://[::9]:0", 3, 128)],
    ["-A -t 2001:db8::9:80 -p 4", persistent("tcp://[2001:db8::9:80]:0", 4, 128)],
    ["-A -t [2001:db8::9] -p 4", persistent("tcp://[2001:db8::9]:0", 4, 128)],
    ["-A -t 1.2.3.4 -p -s wlc", persistent("tcp://1.2.3.4:0", 360, 32)],
    ["-A -t 1.2.3.4:80 -p60", persistent("tcp://1.2.3.4:80", 60, 32)],
    ["-A -t 1.2.3.4:80 -M 0.0.0.0 -p 5", persistent("tcp://1.2.3.4:80", 5, 0)],
    ["-A -f 010", [{ service: service("fwmark:10"), servers: [] }]],
    // Versions before 1.29 print these without dashes, which ipvsadm itself never took back.
    [
      "-A -u 1.2.3.4:5060 -s wlc -p 300 pe sip ops",
      [
        {
          service: {
            ...service("udp://1.2.3.4:5060"),
            onePacket: true,
            persistence: { timeoutSeconds: 300, prefixLength: 32, engine: "sip" },
          },
          servers: [],
        },
      ],
    ],
  ])("%s", (text, table) => {
    expect(tableOf(text)).toEqual(table);
  });

  test.each([
    ["-r 10.0.0.1", server("10.0.0.1:80")],
    ["-r 10.0.0.1:81", server("10.0.0.1:80")],
    ["-r 10.0.0.1:81 -m", { ...server("10.0.0.1:81"), forward: "nat" }],
    ["-mw 3 -r 10.0.0.1:81", { ...server("10.0.0.1:81"), forward: "nat", weight: 3 }],
    ["-r 10.0.0.1:81 -i", { ...server("10.0.0.1:80"), forward: "tunnel" }],
    ["-r 2001:db8::1 -i", { ...server("[2001:db8::1]:80"), forward: "tunnel" }],
    ["-r 10.0.0.1 -x 65536 -y 65536", { ...server("10.0.0.1:80"), upperThreshold: 65_536, lowerThreshold: 65_536 }],
  ])("a real server: %s", (words, expected) => {
    const services = [{ service: service("tcp://1.1.1.1:80", "rr"), servers: [expected] }];
    expect(parseIpvsadm(`${WEB}-a -t 1.1.1.1:80 ${words}`)).toEqual({
      ok: true,
      services: services as never,
      warnings: [],
    });
  });

  test("an edited real server gets the defaults of what the line leaves out", () => {
    const lines = `${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1 -w 5 -x 9\n-e -t 1.1.1.1:80 -r 10.0.0.1 -w 6`;
    expect(tableOf(lines)).toEqual([
      { service: service("tcp://1.1.1.1:80", "rr"), servers: [{ ...server("10.0.0.1:80"), weight: 6 }] },
    ]);
  });

  test("commands on something else than the table, which it leaves out and says so", () => {
    const result = parseIpvsadm(`--set 1 2 3\n${WEB}  -Z\n--start-daemon master --mcast-interface eth0`);
    const leftOut = (name: string) => `--${name} is left out, since it is no part of the table of services`;
    expect(result.ok && result.warnings).toEqual([
      { line: 1, column: 1, path: "", message: leftOut("set"), hint: "tandem service timeouts sets them" },
      { line: 3, column: 3, path: "", message: leftOut("zero"), hint: "tandem service zero does it" },
      { line: 4, column: 1, path: "", message: leftOut("start-daemon"), hint: "tandem service sync-start starts it" },
    ]);
  });
});

describe("parseIpvsadm() says what is wrong, and where", () => {
  test.each([
    ["-t 1.1.1.1:80", "1:1: the line has no command"],
    ["-A", "1:1: the line names no service: -t, -u, --sctp-service or -f"],
    ["-A -t 1.1.1.1:80 -u 1.1.1.1:80", "1:21: a line is about one service, and --udp-service is a second one"],
    ["-A -t 1.1.1.1:80 -t 1.1.1.1:81", "1:18: -t is given twice"],
    ["-A -D -f 1", "1:4: a line has one command, and -D is a second one"],
    ["-A -f", "1:4: -f needs a value"],
    ["-A -f 0", '1:7: "0" is not a firewall mark from 1 to 4294967295'],
    ["-A -f 0x10", '1:7: "0x10" is not a firewall mark from 1 to 4294967295'],
    ["-A -t 1.1.1.1:http", '1:7: "http" is not a port'],
    ["-A -t www:80", '1:7: "www" is not an address'],
    ["-A -t 1.1.1.1:99999", '1:7: "99999" is not a number from 0 to 65535'],
    ["-A -t 1.1.1.1:0", "1:1: a service without a port stands for every port and needs persistence: -p"],
    ["-A -t 1.1.1.1:80 -o", "1:18: one-packet scheduling is for UDP only"],
    ["-A -f 1 -s wlc -b sh-port", '1:19: "sh-port" is a flag of the scheduler sh, not of wlc'],
    ["-A -f 1 -s averylongschedulername", '1:12: "averylongschedulername" is not a name of up to 15 characters'],
    ["-A -f 1 -p 0", '1:12: "0" is not a number from 1 to 2678400'],
    ["-A -f 1 -p 5 -M 24", '1:17: "24" is not a mask such as 255.255.255.0'],
    ["-A -f 1 -6 -p 5 -M 129", '1:20: "129" is not a number from 1 to 128'],
    ["-A -f 1 -w 3", "1:12: --weight doesn't go with --add-service"],
    ["-A -f 1 # x", "1:9: ipvsadm has no option # that belongs to a table"],
    ["-A -f 1 --sched rr", "1:9: ipvsadm has no option --sched that belongs to a table"],
    ["-Aq -f 1", "1:3: ipvsadm has no option -q that belongs to a table"],
    [`${WEB}${WEB}`, "2:1: tcp://1.1.1.1:80 is added a second time"],
    ["-E -f 1", "1:1: there is no service fwmark:1 above this line"],
    ["-D -f 1", "1:1: there is no service fwmark:1 above this line"],
    ["-a -f 1 -r 10.0.0.1", "1:1: there is no service fwmark:1 above this line"],
    [`${WEB}-a -t 1.1.1.1:80`, "2:1: the line names no real server: -r"],
    [`${WEB}-a -t 1.1.1.1:80 -r 10.0.0.300`, '2:21: "10.0.0.300" is not an address'],
    [`${WEB}-e -t 1.1.1.1:80 -r 10.0.0.1`, "2:1: tcp://1.1.1.1:80 has no real server 10.0.0.1:80"],
    [`${WEB}-d -t 1.1.1.1:80 -r 10.0.0.1`, "2:1: tcp://1.1.1.1:80 has no real server 10.0.0.1:80"],
    [`${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1 -m -i`, "2:30: --ipip and --masquerading exclude each other"],
    [`${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1 -w -1`, '2:33: "-1" is not a number from 0 to 2147483647'],
    [
      `${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1:80 -m -w 1 -x 2147483648`,
      '2:44: "2147483648" is not a number from 0 to 2147483647',
    ],
    [
      `${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1:80 -m -w 1 -x 9 -y 4294967295`,
      '2:49: "4294967295" is not a number from 0 to 2147483647',
    ],
    [`${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1 -x 5 -y 6`, "2:38: -y 6 must not be above -x 5"],
    [
      `${WEB}-a -t 1.1.1.1:80 -r [2001:db8::1]:80 -m`,
      "2:21: a real server of another address family than the service needs a tunnel: -i",
    ],
    [`${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1 -m --tun-type gre`, "2:44: --tun-type needs -i"],
    [`${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1 -i --tun-type gue`, "2:44: a gue tunnel needs --tun-port"],
    [`${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1 -i --tun-type vxlan`, '2:44: "vxlan" is not a tunnel: ipip, gue, gre'],
    [`${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1 -i --tun-port 5`, "2:44: a tunnel of the type ipip has no port"],
    [`${WEB}-a -t 1.1.1.1:80 -r 10.0.0.1 -i --tun-csum`, "2:33: a tunnel of the type ipip can't have that checksum"],
  ])("%j", (text, issue) => {
    expect(tableOf(text)).toEqual([issue]);
  });

  test("all of a text at once", () => {
    expect(tableOf("-A\n-A -f 1\n-Q\n")).toHaveLength(2);
  });
});

describe("lookupIn()", () => {
  const lookup = lookupIn(
    "# comment\nhttp\t\t80/tcp\twww # web\ndomain 53/tcp\ndomain 53/udp\nbad line\nodd 70000/tcp\nsip 5060/udp\n",
  );

  test("finds ports by name, alias and protocol", () => {
    const ports = (["tcp", "udp", "sctp"] as const).map((protocol) =>
      ["http", "www", "domain", "sip", "odd", "bad"].map((name) => lookup.port(name, protocol)),
    );
    expect(ports).toEqual([
      [80, 80, 53, undefined, undefined, undefined],
      [80, 80, 53, 5060, undefined, undefined],
      [80, 80, 53, undefined, undefined, undefined],
    ]);
  });

  test("lets parseIpvsadm() read a table that was saved without -n", () => {
    const result = parseIpvsadm("-A -t 203.0.113.10:http -s wlc\n-A -u 203.0.113.10:domain -s rr", lookup);
    expect(result.ok && formatIpvsadm(result.services)).toBe(
      "-A -t 203.0.113.10:80 -s wlc\n-A -u 203.0.113.10:53 -s rr\n",
    );
  });
});
