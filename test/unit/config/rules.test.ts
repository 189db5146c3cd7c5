import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../src/config/parse.ts";
import { type Edit, edited, issuesOf } from "./base.ts";

/** What is changed in the base file, and the one sentence that must follow, at the place marked with «. */
interface Row {
  readonly edits: readonly Edit[];
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

function issueOf({ edits, path, message, hint }: Row) {
  const { text, line, column } = edited(edits);
  return { text, issue: { line, column, path, message, ...(hint === undefined ? {} : { hint }) } };
}

function check(rows: Readonly<Record<string, Row>>): void {
  test.each(Object.entries(rows))("%s", (_title, row) => {
    const { text, issue } = issueOf(row);
    expect(issuesOf(text)).toEqual([issue]);
  });
}

function checkWarnings(rows: Readonly<Record<string, Row>>): void {
  test.each(Object.entries(rows))("%s", (_title, row) => {
    const { text, issue } = issueOf(row);
    expect(parseConfig(text)).toMatchObject({ ok: true, warnings: [issue] });
  });
}

const LISTEN = 'listen = "tcp://203.0.113.10:80"';
const FIRST = '[[service.real]]\naddress = "10.0.0.11:80"';
const CHECK = '[service.check]\nkind = "tcp"';
const SECOND_SERVICE = '[[service]]\nname = "mail"\nlisten = "tcp://203.0.113.10:25"';

describe("parseConfig() compares the keys of [pair]", () => {
  check({
    "dead_after below twice interval": {
      edits: [['dead_after = "1s"', 'dead_after = «"300ms"']],
      path: "pair.dead_after",
      message: "dead_after (300ms) must be at least twice interval (200ms), or one late heartbeat moves the VIPs",
      hint: 'set dead_after to "400ms" or more, or interval to less',
    },
    "interval above half of the default of dead_after": {
      edits: [
        ['interval = "200ms"', 'interval = «"600ms"'],
        ['dead_after = "1s"\n', ""],
      ],
      path: "pair.interval",
      message:
        "dead_after (1s, the default) must be at least twice interval (600ms), or one late heartbeat moves the VIPs",
      hint: 'set dead_after to "1.2s" or more, or interval to less',
    },
    "the same address on both routers": {
      edits: [['public = "203.0.113.3"', 'public = «"203.0.113.2"']],
      path: "pair.backup.public",
      message:
        "203.0.113.2 is the public address of lvs1 already; the public address of lvs2 must be another one; the first is in line 8",
    },
    "one address for both sides of a router": {
      edits: [['private = "10.0.0.2"', 'private = «"203.0.113.2"']],
      path: "pair.primary.private",
      message:
        "203.0.113.2 is the public address of lvs1 already; the private address of lvs1 must be another one; the first is in line 8",
    },
    "addresses of different families on one path": {
      edits: [['private = "10.0.0.3"', 'private = «"fd00::3"']],
      path: "pair.backup.private",
      message: "pair.primary.private (10.0.0.2) and pair.backup.private (fd00::3) must be both IPv4 or both IPv6",
    },
    "one name for both routers": {
      edits: [['name = "lvs2"', 'name = «"lvs1"']],
      path: "pair.backup.name",
      message: 'both routers have the name "lvs1"; the first is in line 7',
    },
    "a neighbour that is one of the routers": {
      edits: [['dead_after = "1s"', 'dead_after = "1s"\nneighbours = ["203.0.113.1", «"10.0.0.3"]']],
      path: "pair.neighbours[1]",
      message: "10.0.0.3 is the private address of lvs2, which is no evidence about its own network",
      hint: "name gateways or real servers",
    },
  });
  checkWarnings({
    "a lease shorter than dead_after": {
      edits: [['dead_after = "1s"', 'dead_after = "5s"\nlease = «"3s"']],
      path: "pair.lease",
      message:
        "lease (3s) is shorter than dead_after (5s): a router that hangs loses the VIPs before the other takes them",
    },
  });
  test("10 ms heartbeats with a dead_after of 30 ms are allowed", () => {
    const { text } = edited([
      ['"200ms"', '"10ms"'],
      ['"1s"', '"30ms"'],
    ]);
    expect(parseConfig(text)).toMatchObject({ ok: true, warnings: [], config: { pair: { deadAfterMs: 30 } } });
  });
});

describe("parseConfig() judges VIPs", () => {
  const VIP = 'interface = "eth0"';
  check({
    "the same VIP twice": {
      edits: [[VIP, `${VIP}\n[[vip]]\naddress = «"203.0.113.10/32"\n${VIP}`]],
      path: "vip[1].address",
      message: "the VIP 203.0.113.10 is given twice; the first is in line 17",
    },
    "a VIP that is a router's own address": {
      edits: [[VIP, `${VIP}\n[[vip]]\naddress = «"10.0.0.2/24"\n${VIP}`]],
      path: "vip[1].address",
      message: "the VIP 10.0.0.2 is the private address of lvs1; a VIP is an address of its own",
    },
    "a label of another interface": {
      edits: [[VIP, `${VIP}\nlabel = «"eth1:1"`]],
      path: "vip[0].label",
      message: "label (eth1:1) must begin with interface (eth0) and a colon",
      hint: 'such as: label = "eth0:1"',
    },
    "a label that is too long": {
      edits: [[VIP, `${VIP}\nlabel = «"eth0:0123456789a"`]],
      path: "vip[0].label",
      message: 'label: "eth0:0123456789a" is longer than the 15 bytes of a label',
    },
    "a label on an IPv6 address": {
      edits: [[VIP, `${VIP}\n[[vip]]\naddress = "2001:db8::10/64"\n${VIP}\nlabel = «"eth0:1"`]],
      path: "vip[1].label",
      message: "label is for IPv4 addresses only; IPv6 addresses have none",
      hint: "leave it out",
    },
  });
  test("a label of 15 bytes is allowed", () => {
    expect(issuesOf(edited([[VIP, `${VIP}\nlabel = "eth0:0123456789"`]]).text)).toEqual([]);
  });
});

describe("parseConfig() judges what a service listens on", () => {
  check({
    "the same in two services": {
      edits: [[LISTEN, `${LISTEN}\n${SECOND_SERVICE.replace('"tcp://203.0.113.10:25"', '«"tcp://203.0.113.10:80"')}`]],
      path: "service[1].listen[0]",
      message: "tcp://203.0.113.10:80 is listened on twice; the first is in line 22",
    },
    "the same twice in one service": {
      edits: [
        [LISTEN, 'listen = ["fwmark:1", «"fwmark:1/inet"]\ncheck = false'],
        [CHECK, ""],
      ],
      path: "service[0].listen[1]",
      message: "fwmark:1 is listened on twice; the first is in line 22",
    },
    "the same name in two services": {
      edits: [[LISTEN, `${LISTEN}\n${SECOND_SERVICE.replace('"mail"', '«"web"')}`]],
      path: "service[1].name",
      message: 'two services have the name "web"; the first is in line 21',
    },
    "every port without persistence": {
      edits: [[LISTEN, 'listen = «"tcp://203.0.113.10:0"']],
      path: "service[0].listen[0]",
      message: "tcp://203.0.113.10:0 has no port, which stands for every port and needs persistence",
      hint: 'add the port, or persistence = "5m"',
    },
    "one_packet with TCP": {
      edits: [[LISTEN, 'listen = ["udp://203.0.113.10:80", «"tcp://203.0.113.10:80"]\none_packet = true']],
      path: "service[0].listen[1]",
      message: "one_packet (true) is for UDP only, and listen has tcp://203.0.113.10:80",
      hint: "leave one_packet out, or make a service of its own for UDP",
    },
    "a flag of another scheduler": {
      edits: [[LISTEN, `${LISTEN}\nscheduler = "mh"\nscheduler_flags = ["mh-port", «"sh-port"]`]],
      path: "service[0].scheduler_flags[1]",
      message: '"sh-port" is a flag of the scheduler sh, not of mh',
    },
    "a persistence prefix longer than the address": {
      edits: [[LISTEN, `${LISTEN}\npersistence = { prefix = «64 }`]],
      path: "service[0].persistence.prefix",
      message: "prefix (64) must be 0 to 32 for tcp://203.0.113.10:80",
      hint: "give each family a service of its own",
    },
  });
  checkWarnings({
    "an address that is no VIP": {
      edits: [[LISTEN, 'listen = ["tcp://203.0.113.10:80", «"tcp://203.0.113.11:80", "tcp://203.0.113.11:443"]']],
      path: "service[0].listen[1]",
      message: "203.0.113.11 is not a VIP of this file, so nothing brings it to the active router",
      hint: 'add a [[vip]] with the address "203.0.113.11/…"',
    },
    "no check where a connection says nothing": {
      edits: [
        ["[[service]]", "«[[service]]"],
        [LISTEN, 'listen = "udp://203.0.113.10:80"'],
        [`${CHECK}\n`, ""],
      ],
      path: "service[0]",
      message: "the servers of web are not checked, since a connection says nothing about what it listens on",
      hint: "add [service.check], or check = false if that is meant",
    },
    "no real server": {
      edits: [
        ["[[service]]", "«[[service]]"],
        [LISTEN, `${LISTEN}\n${SECOND_SERVICE}`],
      ],
      path: "service[0]",
      message: "the service web has no [[service.real]], so it refuses every client",
    },
  });
});

describe("parseConfig() judges the quorum", () => {
  check({
    "of more servers than there are": {
      edits: [['name = "web"', 'name = "web"\nquorum = «3']],
      path: "service[0].quorum",
      message: "quorum (3) can never be reached: web has 2 real servers",
    },
    "of more weight than there is": {
      edits: [
        ['name = "web"', 'name = "web"\nquorum_by = "weight"\nquorum = «8'],
        [FIRST, `${FIRST}\nweight = 6`],
      ],
      path: "service[0].quorum",
      message: "quorum (8) can never be reached: web has 2 real servers of the weight 7 together",
    },
    "by weights of which there is none": {
      edits: [
        ['name = "web"', 'name = "web"\nquorum_by = «"weight"'],
        [FIRST, `${FIRST}\nweight = 0`],
        ['address = "10.0.0.12:80"', 'address = "10.0.0.12:80"\nweight = 0'],
      ],
      path: "service[0].quorum_by",
      message: "quorum (1) can never be reached: web has 2 real servers of the weight 0 together",
    },
  });

  test("of all servers, and of all their weight", () => {
    const { text } = edited([['name = "web"', 'name = "web"\nquorum = 2\nquorum_hysteresis = 1']]);
    expect(issuesOf(text)).toEqual([]);
    expect(issuesOf(text.replace("quorum = 2", 'quorum_by = "weight"\nquorum = 2'))).toEqual([]);
  });
});

describe("parseConfig() judges real servers", () => {
  check({
    "the same twice, once with the service's port": {
      edits: [['address = "10.0.0.12:80"', 'address = «"10.0.0.11"']],
      path: "service[0].real[1].address",
      message: "the real server 10.0.0.11:80 is given twice in this service; the first is in line 28",
    },
    "another family without a tunnel": {
      edits: [[FIRST, '[[service.real]]\naddress = «"[2001:db8::11]:80"']],
      path: "service[0].real[0].address",
      message: '2001:db8::11 is IPv6 and tcp://203.0.113.10:80 is not, which forward = "nat" can\'t bridge',
      hint: 'use forward = "tunnel", or a service for each family',
    },
    "another port with direct routing": {
      edits: [[FIRST, '[[service.real]]\nforward = "direct"\naddress = «"10.0.0.11:8080"']],
      path: "service[0].real[0].address",
      message: '10.0.0.11:8080 has another port than tcp://203.0.113.10:80, which forward = "direct" can\'t change',
      hint: 'leave the port out, or use forward = "nat"',
    },
    "the service's own address": {
      edits: [[FIRST, '[[service.real]]\naddress = «"203.0.113.10:8080"']],
      path: "service[0].real[0].address",
      message: "203.0.113.10 is the address of the service itself",
    },
    "thresholds the wrong way round": {
      edits: [[FIRST, `${FIRST}\nupper_threshold = 10\nlower_threshold = «20`]],
      path: "service[0].real[0].lower_threshold",
      message: "lower_threshold (20) must be less than upper_threshold (10), the number at which new work stops",
    },
    "a lower threshold without an upper one": {
      edits: [[FIRST, `${FIRST}\nlower_threshold = «20`]],
      path: "service[0].real[0].lower_threshold",
      message: "lower_threshold (20) must be less than upper_threshold (0), which is no limit",
    },
    "a tunnel without forward": {
      edits: [[FIRST, `${FIRST}\n«tunnel = "gre"`]],
      path: "service[0].real[0].tunnel",
      message: 'tunnel has no effect with forward = "nat"',
      hint: 'set forward = "tunnel", or leave tunnel out',
    },
    "gue without a port": {
      edits: [[FIRST, `${FIRST}\nforward = "tunnel"\ntunnel = «{ type = "gue" }`]],
      path: "service[0].real[0].tunnel",
      message: 'a tunnel of the type "gue" needs the key port',
      hint: "such as: port = 6080",
    },
    "gre with a port": {
      edits: [[FIRST, `${FIRST}\nforward = "tunnel"\ntunnel = { type = "gre", «port = 3 }`]],
      path: "service[0].real[0].tunnel.port",
      message: 'a tunnel of the type "gre" has no port',
      hint: 'only "gue" has one',
    },
    "ipip with checksums": {
      edits: [[FIRST, `${FIRST}\nforward = "tunnel"\ntunnel = { type = "ipip", checksum = «"full" }`]],
      path: "service[0].real[0].tunnel.checksum",
      message: 'a tunnel of the type "ipip" can\'t have the checksum "full"',
      hint: 'it must be "none"',
    },
    "a sorry server that is a real server": {
      edits: [[LISTEN, `${LISTEN}\nsorry = «"10.0.0.12:80"`]],
      path: "service[0].sorry",
      message: "the sorry server 10.0.0.12:80 is one of the real servers",
      hint: "it must be another one",
    },
    "no port to check behind a firewall mark": {
      edits: [
        [LISTEN, 'listen = "fwmark:7"'],
        ['"10.0.0.11:80"', '«"10.0.0.11"'],
      ],
      path: "service[0].real[0].address",
      message: "there is no port to check at 10.0.0.11: its service listens on none",
      hint: "give address a port, or [service.check] the key port",
    },
    "synchronisation of a service that mixes families": {
      edits: [
        [FIRST, '[[service.real]]\nforward = "tunnel"\naddress = "[2001:db8::11]:80"'],
        ["[[vip]]", "[sync]\nenabled = «true\n[[vip]]"],
      ],
      path: "sync.enabled",
      message: "the service web mixes IPv4 and IPv6, which the kernel can't synchronise, but enabled is true",
    },
    "a length of messages that carry one connection each": {
      edits: [["[[vip]]", "[sync]\nmax_length = «8000\n[[vip]]"]],
      path: "sync.max_length",
      message: "max_length has no meaning with sync = prompt, which sends each connection in a message of its own",
      hint: 'remove it, or set sync = "batched"',
    },
  });
  checkWarnings({
    "a service's tunnel that nobody uses": {
      edits: [[LISTEN, `${LISTEN}\ntunnel = «"gre"`]],
      path: "service[0].tunnel",
      message: 'tunnel has no effect: no server has forward = "tunnel"',
    },
    "synchronisation turned off by mixed families": {
      edits: [
        ["[pair]", "«[pair]"],
        [FIRST, '[[service.real]]\nforward = "tunnel"\naddress = "[2001:db8::11]:80"'],
      ],
      path: "sync",
      message: "the service web mixes IPv4 and IPv6, which the kernel can't synchronise, so [sync] is off",
      hint: "say so: enabled = false",
    },
  });
});

describe("parseConfig() judges checks", () => {
  check({
    "a key of another kind": {
      edits: [[CHECK, `${CHECK}\n«send = "x"`]],
      path: "service[0].check.send",
      message: 'a check of the kind "tcp" has no send',
      hint: 'send belongs to the kind "send-expect" or "udp"',
    },
    "timeout longer than interval": {
      edits: [[CHECK, `${CHECK}\ntimeout = «"5s"`]],
      path: "service[0].check.timeout",
      message: "timeout (5s) must not be longer than interval (2s, the default)",
      hint: "an attempt must have ended before the next one begins",
    },
    "a server's interval shorter than the service's timeout": {
      edits: [
        [CHECK, `${CHECK}\ntimeout = "1s"`],
        [FIRST, `${FIRST}\ncheck = { interval = «"500ms" }`],
      ],
      path: "service[0].real[0].check.interval",
      message: "timeout (1s) must not be longer than interval (500ms)",
      hint: "an attempt must have ended before the next one begins",
    },
    "a script beside send": {
      edits: [[CHECK, '[service.check]\nkind = "send-expect"\nsend = "x"\n«script = [{ expect = "y" }]']],
      path: "service[0].check.script",
      message: "script takes the place of send and expect",
      hint: "make them steps of the script",
    },
    "a step that is none": {
      edits: [[CHECK, '[service.check]\nkind = "send-expect"\nscript = [{ expect = "y" }, «{ say = "x" }]']],
      path: "service[0].check.script[1]",
      message:
        'script[1] must have one of the keys "send", "send_bytes", "expect", "expect_bytes", "expect_regex", "start_tls" or "close"',
    },
    "an expression that one pass can't match": {
      edits: [[CHECK, '[service.check]\nkind = "send-expect"\nscript = [{ expect_regex = «"(?!a)b" }]']],
      path: "service[0].check.script[0].expect_regex",
      message: 'expect_regex: "(?!a)b": it looks ahead or behind, which one pass over an answer can\'t',
    },
    "UDP for a kind that has none": {
      edits: [[CHECK, '[service.check]\nkind = "redis"\ntransport = «"udp"']],
      path: "service[0].check.transport",
      message: 'a check of the kind "redis" can\'t be held over udp',
      hint: 'use "tcp" or "tls"',
    },
    "TLS in the middle for a kind that has none": {
      edits: [[CHECK, '[service.check]\nkind = "redis"\ntransport = «"starttls"']],
      path: "service[0].check.transport",
      message: 'a check of the kind "redis" can\'t change to TLS by itself',
      hint: 'use "tcp" or "tls"',
    },
    "TLS in the middle without a step that begins it": {
      edits: [[CHECK, '[service.check]\nkind = "send-expect"\ntransport = «"starttls"']],
      path: "service[0].check.transport",
      message: 'a check of the kind "send-expect" can\'t change to TLS by itself',
      hint: "make { start_tls = true } a step of a script",
    },
    "a script within TLS that changes to TLS": {
      edits: [[CHECK, '[service.check]\nkind = "send-expect"\nscript = [{ start_tls = true }]\ntransport = «"tls"']],
      path: "service[0].check.transport",
      message: "a script that changes to TLS begins over tcp, not over tls",
    },
    "a question for a server's status without the secret": {
      edits: [[CHECK, '«[service.check]\nkind = "radius"']],
      path: "service[0].check",
      message: 'a check of the kind "radius" needs the key secret_file',
      hint: 'such as: secret_file = "/etc/tandem/radius.secret"',
    },
    "a certificate without its key": {
      edits: [[CHECK, '[service.check]\nkind = "https"\n«certificate_file = "/etc/client.pem"']],
      path: "service[0].check.certificate_file",
      message: "certificate_file and private_key_file go together",
    },
    "a wrong key in the second of two checks": {
      edits: [[CHECK, '[[service.check]]\nkind = "tcp"\n\n[[service.check]]\nkind = "ping"\n«path = "/"']],
      path: "service[0].check[1].path",
      message: 'a check of the kind "ping" has no path',
      hint: 'path belongs to the kind "http" or "https"',
    },
    "a body in an answer to HEAD": {
      edits: [[CHECK, '[service.check]\nkind = "http"\nmethod = "HEAD"\nexpect_body = «"ok"']],
      path: "service[0].check.expect_body",
      message: 'expect_body needs the method "GET", since an answer to "HEAD" has no body',
    },
    "an unknown kind, and nothing about its keys": {
      edits: [[CHECK, '[service.check]\nkind = «"send_expect"\nsend = "x"']],
      path: "service[0].check.kind",
      message:
        'kind must be "tcp", "send-expect", "http", "https", "external", "udp", "ping", "dns", "grpc", "radius", "smtp", "imap", "pop3", "ldap", "redis", "mysql" or "postgresql", not "send_expect"',
      hint: 'did you mean "send-expect"?',
    },
  });
  checkWarnings({
    "escapes that are none": {
      edits: [[CHECK, "[service.check]\nkind = \"send-expect\"\nsend = «'GET / HTTP/1.0\\r\\n'"]],
      path: "service[0].check.send",
      message: "send has a backslash with a letter after it, as two characters",
      hint: 'write it in double quotes ("…") if a line end is meant',
    },
  });
});

describe("parseConfig() warns of [ipvs] settings that break a service", () => {
  checkWarnings({
    "connections that go on at any server": {
      edits: [["[[vip]]", "[ipvs]\nsloppy_tcp = «true\n[[vip]]"]],
      path: "ipvs.sloppy_tcp",
      message: "sloppy_tcp sends what is left of a connection to any server, as the scheduler wlc of web chooses",
      hint: "it is right with the schedulers sh, mh and dh",
    },
  });

  test("and not where the scheduler chooses alike on both routers", () => {
    const { text } = edited([
      ["[[vip]]", "[ipvs]\nsloppy_tcp = true\n[[vip]]"],
      [LISTEN, `${LISTEN}\nscheduler = "mh"`],
    ]);
    expect(parseConfig(text)).toMatchObject({
      ok: true,
      warnings: [],
      config: { ipvs: { expire_nodest_conn: true, expire_quiescent_template: true, sloppy_tcp: true } },
    });
  });
});
