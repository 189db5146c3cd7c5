import { describe, expect, test } from "bun:test";
import { BASE, type Edit, edited, issuesOf } from "./base.ts";

/** What is changed in the base file, and the one sentence that must follow, at the place marked with «. */
interface Row {
  readonly edits: readonly Edit[];
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

function check(rows: Readonly<Record<string, Row>>): void {
  test.each(Object.entries(rows))("%s", (_title, { edits, path, message, hint }) => {
    const { text, line, column } = edited(edits);
    expect(issuesOf(text)).toEqual([{ line, column, path, message, ...(hint === undefined ? {} : { hint }) }]);
  });
}

/** As a file has it, and no placeholder of ours. */
const HOME = "$" + "{HOME}";
const LISTEN = 'listen = "tcp://203.0.113.10:80"';
const FIRST_SERVER = 'address = "10.0.0.11:80"';
const KIND = 'kind = "tcp"';

test("parseConfig() finds nothing wrong with the base file of these tests", () => {
  expect(issuesOf(BASE)).toEqual([]);
});

describe("parseConfig() names keys that are not there", () => {
  check({
    "a mistyped key": {
      edits: [["interval =", "«intervall ="]],
      path: "pair.intervall",
      message: "[pair] has no key intervall",
      hint: "did you mean interval?",
    },
    "another program's word": {
      edits: [[LISTEN, `${LISTEN}\n«lb_algo = "rr"`]],
      path: "service[0].lb_algo",
      message: "[[service]] has no key lb_algo",
      hint: "did you mean scheduler?",
    },
    "a key of another table": {
      edits: [[FIRST_SERVER, `${FIRST_SERVER}\n«scheduler = "rr"`]],
      path: "service[0].real[0].scheduler",
      message: "[[service.real]] has no key scheduler",
      hint: "scheduler is a key of [[service]], to stand right after that header",
    },
    "a key like no other": {
      edits: [["[[vip]]", '[[vip]]\n«"a b" = 1']],
      path: 'vip[0]."a b"',
      message: '[[vip]] has no key "a b"',
      hint: "it has address, interface, label, required",
    },
    "a key of every object": {
      edits: [["[pair]", "[pair]\n«__proto__ = 1"]],
      path: "pair.__proto__",
      message: "[pair] has no key __proto__",
      hint: "it has key_file, interval, dead_after, failback, failback_after, lease, port, neighbours, stop, views, primary, backup",
    },
    "a key of an inline table": {
      edits: [[LISTEN, `${LISTEN}\npersistence = { timeout = "5m", «netmask = 24 }`]],
      path: "service[0].persistence.netmask",
      message: "[service.persistence] has no key netmask",
      hint: "did you mean prefix?",
    },
    "an unknown table": {
      edits: [["[[vip]]", "«[[virtual_server]]\n[[vip]]"]],
      path: "virtual_server",
      message: "the file has no key virtual_server",
      hint: "did you mean service?",
    },
  });
});

describe("parseConfig() names keys and tables that are missing, at the table", () => {
  check({
    "a key": {
      edits: [
        ['key_file = "/etc/tandem/pair.key"\n', ""],
        ["[pair]", "«[pair]"],
      ],
      path: "pair.key_file",
      message: '[pair] needs the key key_file: an absolute path such as "/etc/tandem/pair.key"',
      hint: 'such as: key_file = "/etc/tandem/pair.key"',
    },
    "a key of one of several tables": {
      edits: [['[[service.real]]\naddress = "10.0.0.12:80"', "«[[service.real]]\nweight = 2"]],
      path: "service[0].real[1].address",
      message: '[[service.real]] needs the key address: an address with a port, such as "10.0.0.11:80"',
      hint: 'such as: address = "10.0.0.11:80"',
    },
    "a table": {
      edits: [
        ["[pair]", "«[pair]"],
        ['\n[pair.backup]\nname = "lvs2"\npublic = "203.0.113.3"\nprivate = "10.0.0.3"\n', ""],
      ],
      path: "pair.backup",
      message: "the table [pair.backup] is missing",
    },
    "a command of an external check": {
      edits: [[`[service.check]\n${KIND}`, '«[service.check]\nkind = "external"']],
      path: "service[0].check",
      message: 'a check of the kind "external" needs the key command',
      hint: 'such as: command = ["/usr/local/lib/check-db", "{address}", "{port}"]',
    },
  });
});

describe("parseConfig() says what type a value must have", () => {
  check({
    "a switch as sysctl.conf has it": {
      edits: [["[[vip]]", "[ipvs]\nexpire_nodest_conn = «0\n[[vip]]"]],
      path: "ipvs.expire_nodest_conn",
      message: "expire_nodest_conn must be true or false, not a number",
      hint: "write false",
    },
    "a defence beyond the kernel's range": {
      edits: [["[[vip]]", "[ipvs]\ndrop_entry = «4\n[[vip]]"]],
      path: "ipvs.drop_entry",
      message: "drop_entry must be a whole number from 0 to 3, not 4",
    },
    "a number for a duration": {
      edits: [['"200ms"', "«200"]],
      path: "pair.interval",
      message: 'interval must be a duration from "10ms" to "1m", not a number',
      hint: 'write it in quotes and with a unit: "200ms", "200s"',
    },
    "a text for a number": {
      edits: [[FIRST_SERVER, `${FIRST_SERVER}\nweight = «"3"`]],
      path: "service[0].real[0].weight",
      message: "weight must be a whole number from 0 to 2147483647, not a text",
      hint: "write it without quotes: 3",
    },
    "a fraction for a whole number": {
      edits: [[FIRST_SERVER, `${FIRST_SERVER}\nweight = «1.5`]],
      path: "service[0].real[0].weight",
      message: "weight must be a whole number from 0 to 2147483647, not 1.5",
    },
    "no number for a number": {
      edits: [[FIRST_SERVER, `${FIRST_SERVER}\nweight = «nan`]],
      path: "service[0].real[0].weight",
      message: "weight must be a whole number from 0 to 2147483647, not NaN",
    },
    "a text for a boolean": {
      edits: [["[[vip]]", '[sync]\nenabled = «"true"\n[[vip]]']],
      path: "sync.enabled",
      message: "enabled must be true or false, not a text",
      hint: "write it without quotes: true",
    },
    "a date for a text": {
      edits: [['name = "lvs1"', "name = «1979-05-27"]],
      path: "pair.primary.name",
      message: 'name must be a name of up to 63 letters, digits, ".", "_" and "-", not a date',
    },
    "a table for a list": {
      edits: [[LISTEN, "listen = «{ tcp = 80 }"]],
      path: "service[0].listen",
      message: 'listen must be a virtual service such as "tcp://203.0.113.10:80", or a list of them, not a table',
    },
    "a list with an item of another type": {
      edits: [[LISTEN, 'listen = ["tcp://203.0.113.10:80", «80]']],
      path: "service[0].listen[1]",
      message: 'listen[1] must be a virtual service such as "tcp://203.0.113.10:80", not a number',
      hint: "write it in quotes",
    },
    "an empty list": {
      edits: [[LISTEN, "listen = «[]"]],
      path: "service[0].listen",
      message: "listen must have at least 1 entry",
    },
    "one table for a list of tables": {
      edits: [["[[vip]]", "«[vip]"]],
      path: "vip",
      message: "vip is a list of tables",
      hint: "write [[vip]], with two brackets, for each of them",
    },
    "a list of tables for a table": {
      edits: [["[[vip]]", '«[[log]]\nlevel = "info"\n[[vip]]']],
      path: "log",
      message: "log must be a table, not a list",
      hint: "there is only one of it: write [log]",
    },
    "a value for a table": {
      edits: [["[pair]", '«log = "debug"\n[pair]']],
      path: "log",
      message: "log must be a table, not a text",
      hint: "write it as [log]",
    },
    "a command line for a program": {
      edits: [["[[vip]]", '[hooks]\nactive = «"/bin/notify active"\n[[vip]]']],
      path: "hooks.active",
      message: "active must be a program's absolute path and its arguments, as a list of texts, not a text",
      hint: 'no shell splits it: ["/bin/notify", "active"]',
    },
    "true for a check": {
      edits: [[`[service.check]\n${KIND}`, "check = «true"]],
      path: "service[0].check",
      message: "check must be false or a table",
      hint: "give it a kind: [service.check]",
    },
  });
});

describe("parseConfig() says what is wrong with a value", () => {
  check({
    "a duration without a unit": {
      edits: [['"200ms"', '«"200"']],
      path: "pair.interval",
      message: 'interval: "200" is not a duration; write a number with a unit, such as "200ms" or "1.5s"',
    },
    "a duration out of range": {
      edits: [['"200ms"', '«"5ms"']],
      path: "pair.interval",
      message: "interval: 5ms is not between 10ms and 1m",
    },
    "a lease that the kernel can't keep": {
      edits: [['dead_after = "1s"', 'dead_after = "1s"\nlease = «"1500ms"']],
      path: "pair.lease",
      message: "lease: 1500ms is not a whole number of seconds",
    },
    "a choice near another": {
      edits: [[LISTEN, `${LISTEN}\nscheduler = «"WCL"`]],
      path: "service[0].scheduler",
      message:
        'scheduler must be "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "mh", "fo", "ovf" or "twos", not "WCL"',
      hint: 'did you mean "wlc"?',
    },
    "an address that is none": {
      edits: [['"203.0.113.2"', '«"203.0.113.256"']],
      path: "pair.primary.public",
      message: 'public: "203.0.113.256" is not an IPv4 or IPv6 address',
    },
    "a loopback address": {
      edits: [['"10.0.0.2"', '«"127.0.0.1"']],
      path: "pair.primary.private",
      message: "private: 127.0.0.1 is a loopback address, which no other machine can reach",
    },
    "a link-local address": {
      edits: [['"10.0.0.11:80"', '«"[fe80::1]:80"']],
      path: "service[0].real[0].address",
      message: "address: fe80::1 is a link-local address, which is known on one network only and has no route",
    },
    "a multicast address": {
      edits: [['"10.0.0.11:80"', '«"224.0.0.1:80"']],
      path: "service[0].real[0].address",
      message: "address: 224.0.0.1 is a multicast address",
    },
    "a port that is none": {
      edits: [['"10.0.0.11:80"', '«"10.0.0.11:65536"']],
      path: "service[0].real[0].address",
      message: 'address: "65536" is not a port from 0 to 65535',
    },
    "a VIP that is its network": {
      edits: [['"203.0.113.10/24"', '«"203.0.113.0/24"']],
      path: "vip[0].address",
      message: 'address: "203.0.113.0/24" is the network address of its own network',
    },
    "a VIP that is its broadcast": {
      edits: [['"203.0.113.10/24"', '«"203.0.113.255/24"']],
      path: "vip[0].address",
      message: 'address: "203.0.113.255/24" is the broadcast address of its own network',
    },
    "a VIP for every network": {
      edits: [['"203.0.113.10/24"', '«"203.0.113.10/0"']],
      path: "vip[0].address",
      message: 'address: "203.0.113.10/0" has the prefix length 0, which covers every address',
    },
    "an interface name that is too long": {
      edits: [['"eth0"', '«"enp0s31f6.1234567"']],
      path: "vip[0].interface",
      message: 'interface: "enp0s31f6.1234567" is longer than the 15 bytes of an interface\'s name',
    },
    "an interface name with a slash": {
      edits: [['"eth0"', '«"../eth0"']],
      path: "vip[0].interface",
      message: 'interface: "../eth0" is not the name of an interface',
    },
    "a relative path": {
      edits: [['"/etc/tandem/pair.key"', '«"pair.key"']],
      path: "pair.key_file",
      message: 'key_file: "pair.key" is not an absolute path; begin it with "/"',
    },
    "a variable in a path": {
      edits: [['"/etc/tandem/pair.key"', `«"${HOME}/pair.key"`]],
      path: "pair.key_file",
      message: `key_file: "${HOME}/pair.key" would be taken as it stands: nothing is expanded here; write it out`,
    },
    "a variable in the middle of a path": {
      edits: [['"/etc/tandem/pair.key"', `«"/home/${HOME}/pair.key"`]],
      path: "pair.key_file",
      message: `key_file: "/home/${HOME}/pair.key" would be taken as it stands: nothing is expanded here; write it out`,
    },
    "a home directory": {
      edits: [['"/etc/tandem/pair.key"', '«"~/pair.key"']],
      path: "pair.key_file",
      message: 'key_file: "~/pair.key" would be taken as it stands: nothing is expanded here; write it out',
    },
    "a template that nobody filled in": {
      edits: [['"/etc/tandem/pair.key"', '«"/etc/{{ site }}.key"']],
      path: "pair.key_file",
      message: 'key_file: "/etc/{{ site }}.key" would be taken as it stands: nothing is expanded here; write it out',
    },
    "a variable in a program's path, where arguments may have one": {
      edits: [[KIND, 'kind = "external"\ncommand = [«"$HOME/check", "$HOME"]']],
      path: "service[0].check.command[0]",
      message: 'command[0]: "$HOME/check" would be taken as it stands: nothing is expanded here; write it out',
    },
    "include below a table": {
      edits: [['interval = "200ms"', '«include = ["conf.d/*.toml"]']],
      path: "pair.include",
      message: "[pair] has no key include",
      hint: "include belongs to the top of the file, above the first table",
    },
    "an include that nobody can follow, as in a text from elsewhere": {
      edits: [["[pair]", '«include = ["conf.d/*.toml"]\n[pair]']],
      path: "include",
      message: "include is followed only in the configuration itself",
      hint: "put the tables that are meant here",
    },
    "a netmask": {
      edits: [['"203.0.113.10/24"', '«"203.0.113.10/255.255.255.0"']],
      path: "vip[0].address",
      message: 'address: "203.0.113.10/255.255.255.0" has a netmask; write its prefix length: 203.0.113.10/24',
    },
    "a protocol that is none": {
      edits: [[LISTEN, 'listen = «"http://203.0.113.10:80"']],
      path: "service[0].listen",
      message:
        'listen: "http://203.0.113.10:80" is not a virtual service; write tcp://ADDRESS:PORT, udp://…, sctp://… or fwmark:NUMBER',
    },
    "a group that is no multicast address": {
      edits: [["[[vip]]", '[sync]\ngroup = «"10.0.0.1"\n[[vip]]']],
      path: "sync.group",
      message: "group: 10.0.0.1 is not a multicast address",
    },
    "a status code that is none": {
      edits: [[KIND, 'kind = "http"\nexpect_status = [200, «"600-700"]']],
      path: "service[0].check.expect_status[1]",
      message: 'expect_status[1]: "600-700" is not a status code or a range such as "200-299"',
    },
    "a status range that ends before it begins": {
      edits: [[KIND, 'kind = "http"\nexpect_status = «"299-200"']],
      path: "service[0].check.expect_status",
      message: 'expect_status: "299-200" ends before it begins',
    },
    "a path that would add a header": {
      edits: [[KIND, 'kind = "http"\npath = «"/ HTTP/1.0\\r\\nX: y"']],
      path: "service[0].check.path",
      message: 'path: "/ HTTP/1.0\\r\\nX: y" is not a path such as "/healthz"',
    },
    "a program without a path": {
      edits: [[KIND, 'kind = "external"\ncommand = [«"check", "-x"]']],
      path: "service[0].check.command[0]",
      message: 'command[0]: "check" is not a program\'s absolute path; begin it with "/"',
    },
    "an upper threshold that newer kernels refuse": {
      edits: [[FIRST_SERVER, `${FIRST_SERVER}\nupper_threshold = «2147483648`]],
      path: "service[0].real[0].upper_threshold",
      message: "upper_threshold must be a whole number from 0 to 2147483647, not 2147483648",
    },
    "a name with a space": {
      edits: [['name = "web"', 'name = «"web server"']],
      path: "service[0].name",
      message: 'name: "web server" is not a name of up to 63 letters, digits, ".", "_" and "-"',
    },
  });
});
