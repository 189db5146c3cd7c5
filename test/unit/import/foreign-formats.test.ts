import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseConfig } from "../../../src/config/parse.ts";
import { foreignFormatOf, importForeign } from "../../../src/import/foreign-formats.ts";
import { FOREIGN_FORMATS, type ForeignFormat } from "../../../src/import/words/import-formats.ts";
import { lookupIn, type NameLookup, NO_NAMES } from "../../../src/import/words/name-lookup.ts";
import { address } from "../../../src/model/address.ts";

const PORTS = lookupIn("http 80/tcp\n");
const NAMES: NameLookup = { host: () => address("10.0.0.99"), port: PORTS.port };

interface Imported {
  readonly format: ForeignFormat;
  readonly config: string;
  readonly notes: readonly string[];
}

function imported(text: string, lookup: NameLookup = NO_NAMES): Imported {
  const format = foreignFormatOf(text);
  if (format === undefined) throw new Error("of no format that is known");
  const result = importForeign(text, format, lookup);
  const notes = result.ok ? result.warnings : result.issues;
  return {
    format,
    config: result.ok ? result.config : "",
    notes: notes.map(({ line, message }) => `${line}: ${message}`),
  };
}

/** What our own reader says of an imported configuration. */
function problemsOf(config: string): string[] {
  const result = parseConfig(config);
  return result.ok ? [] : result.issues.map(({ path, message }) => `${path}: ${message}`);
}

const KEEPALIVED = `! the first router
global_defs {
   router_id LVS_1
   lvs_sync_daemon eth1 VI_1 id 7 maxlen 1400 port 8849 ttl 2
   lvs_timeouts tcp 800 udp 200
}
$WEB=203.0.113.10
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 0.5
    unicast_src_ip 203.0.113.2
    unicast_peer {
        203.0.113.3
    }
    authentication { auth_type PASS
        auth_pass secret }
    virtual_ipaddress {
        \${WEB}/24 dev eth0 label eth0:1
        10.0.0.1/24 dev eth1   # the servers' gateway
    }
    notify_master "/usr/local/sbin/up now"
}
virtual_server $WEB 80
{
    delay_loop 6
    lvs_sched sh
    sh-port
    lvs_method NAT
    protocol TCP
    persistence_timeout
    persistence_granularity 255.255.255.0
    sorry_server 10.0.0.99 80
    quorum 2
    smtp_alert
    real_server 10.0.0.11 80 {
        weight 3
        uthreshold 500
        HTTP_GET {
            url {
              path /healthz
              status_code 200 204-206
            }
            connect_timeout 2
            retry 2
        }
    }
    real_server 10.0.0.12 80 {
        SSL_GET { url { path / }
            connect_port 443
        }
    }
}
virtual_server fwmark 9 {
    lb_kind TUN type gue port 6080 csum
    real_server 10.0.0.13 { TCP_CHECK { } }
}
`;

describe("keepalived.conf", () => {
  test("becomes a configuration", () => {
    expect(imported(KEEPALIVED)).toMatchInlineSnapshot(`
      {
        "config": 
      "[pair]
      key_file   = "/etc/tandem/pair.key"
      interval   = "500ms"
      dead_after = "2s"
      failback   = "automatic"

      [pair.primary]
      public = "203.0.113.2"

      [pair.backup]
      public = "203.0.113.3"

      [[vip]]
      address   = "203.0.113.10/24"
      interface = "eth0"
      label     = "eth0:1"

      [[vip]]
      address   = "10.0.0.1/24"
      interface = "eth1"

      [[service]]
      name            = "tcp-203.0.113.10-80"
      listen          = "tcp://203.0.113.10:80"
      scheduler       = "sh"
      scheduler_flags = ["sh-port"]
      forward         = "nat"
      sorry           = "10.0.0.99:80"
      quorum          = 2
      quorum_by       = "weight"

      [service.persistence]
      timeout = "360s"
      prefix  = 24

      [[service.real]]
      address         = "10.0.0.11:80"
      weight          = 3
      upper_threshold = 500

      [[service.real.check]]
      kind          = "http"
      interval      = "6s"
      timeout       = "2s"
      rise          = 1
      fall          = 3
      path          = "/healthz"
      expect_status = [200, "204-206"]

      [[service.real]]
      address = "10.0.0.12:80"
      weight  = 1

      [[service.real.check]]
      kind          = "https"
      interval      = "6s"
      timeout       = "5s"
      rise          = 1
      fall          = 2
      port          = 443
      verify        = false
      path          = "/"
      expect_status = ["200-299"]

      [[service]]
      name      = "fwmark-9"
      listen    = "fwmark:9"
      scheduler = "wlc"
      forward   = "tunnel"

      [service.tunnel]
      type     = "gue"
      port     = 6080
      checksum = "full"

      [[service.check]]
      kind     = "tcp"
      interval = "60s"
      timeout  = "5s"
      rise     = 1
      fall     = 2

      [[service.real]]
      address = "10.0.0.13"
      weight  = 1

      [sync]
      interface  = "eth1"
      id         = 7
      port       = 8849
      ttl        = 2
      max_length = 1400
      sync       = "batched"

      [timeouts]
      tcp = "800s"
      udp = "200s"

      [hooks]
      active = ["/usr/local/sbin/up", "now"]
      "
      ,
        "format": "keepalived",
        "notes": [
          "3: router_id of global_defs has no counterpart here",
          "18: authentication is left out: make a new key with tandem heartbeat keygen",
          "37: smtp_alert of a virtual server has no counterpart here",
          "51: SSL_GET never verified the certificate: verify = false keeps it so",
        ],
      }
    `);
  });

  test("that lacks only what the file does not know", () => {
    expect(problemsOf(imported(KEEPALIVED).config)).toMatchInlineSnapshot(`
      [
        "pair.primary.name: [pair.primary] needs the key name: a name of up to 63 letters, digits, ".", "_" and "-"",
        "pair.primary.private: [pair.primary] needs the key private: an IP address such as "203.0.113.2"",
        "pair.backup.name: [pair.backup] needs the key name: a name of up to 63 letters, digits, ".", "_" and "-"",
        "pair.backup.private: [pair.backup] needs the key private: an IP address such as "203.0.113.2"",
        "service[1].real[0].address: there is no port to check at 10.0.0.13: its service listens on none",
      ]
    `);
  });

  test("says where a block is not closed, and what it leaves out", () => {
    expect(imported("virtual_server 10.0.0.1-9 80 {\n protocol TCP\n").notes).toEqual([
      "3: a block is not closed at the end of the file",
    ]);
    expect(imported("virtual_server 10.0.0.1-9 80 {\n protocol TCP\n}\ninclude more/*.conf\n").notes).toEqual([
      "1: virtual_server 10.0.0.1-9 80 is left out: a range, a name or an unknown group has no counterpart here",
      "4: the included file is not read: import it by itself",
    ]);
  });
});

const LDIRECTORD = `# of the cluster
checktimeout = 3
checkinterval = 5
quiescent=yes
virtual=203.0.113.10:443
\treal=10.0.0.11->10.0.0.12:443 gate 2 u:100 l:50
\tfallback=127.0.0.1:443 gate
\tservice=https
\trequest="healthz"
\treceive="^ok"
\tscheduler=wlc
\tpersistent=600
\tnetmask=255.255.255.0
\temailalert=root

virtual=5
        real=web1 masq
        checktype=connect
        checkport=8080
        quiescent=no
`;

/** The usual pair: an instance on each side, both in a group that has the programs. */
const TWO_SIDES = `vrrp_sync_group VG {
    group { OUTSIDE
      INSIDE }
    notify_backup /usr/local/sbin/down
    notify_fault /usr/local/sbin/fault
    smtp_alert
}
vrrp_instance OUTSIDE {
    state BACKUP
    nopreempt
    interface eth0
    unicast_src_ip 203.0.113.3
    unicast_peer { 203.0.113.2 }
    virtual_ipaddress { 203.0.113.10/24 }
}
vrrp_instance INSIDE {
    state BACKUP
    interface eth1
    unicast_src_ip 10.0.0.3
    unicast_peer { 10.0.0.2
    }
    virtual_ipaddress { 10.0.0.1/24 }
}
vrrp_instance OUTSIDE6 {
    state BACKUP
    interface eth0
    unicast_src_ip 2001:db8::3
    virtual_ipaddress { 2001:db8::10/64 }
}
`;

// The last instance's addresses took the place of the first one's, and its fail-back that of a nopreempt.
test("keepalived.conf with an instance on each side keeps what each of them says", () => {
  const { config, notes } = imported(TWO_SIDES);
  expect(config.slice(0, config.indexOf("[[vip]]"))).toBe(`[pair]
key_file = "/etc/tandem/pair.key"
failback = "manual"

[pair.primary]
public  = "203.0.113.2"
private = "10.0.0.2"

[pair.backup]
public  = "203.0.113.3"
private = "10.0.0.3"

`);
  expect(config).toContain('standby = ["/usr/local/sbin/down"]');
  expect(notes).toEqual([
    "5: notify_fault of vrrp_sync_group has no counterpart here",
    "6: smtp_alert of vrrp_sync_group has no counterpart here",
    "16: all VIPs of a pair move together: those of INSIDE join the others",
    "24: all VIPs of a pair move together: those of OUTSIDE6 join the others",
    "27: 2001:db8::3 is left out: the public path has 203.0.113.3 already",
  ]);
});

const TRACKED = `global_defs {
    script_user checker
    enable_script_security
}
vrrp_script chk_haproxy {
    script "killall -0 haproxy"   # cheaper than pidof
    interval 2
    weight -20
    fall 3
    rise 2
}
vrrp_script chk_web {
    script "/usr/local/bin/check 'a b' --fast"
    interval 5
    timeout 10
    init_fail
    user www-data
}
vrrp_script chk_port {
    script "</dev/tcp/127.0.0.1/80"
}
vrrp_script chk_shell {
    script "/bin/sh -c 'test -f /run/ok && exit 0'"
}
vrrp_script chk_pipe {
    script "ip route | grep default"
    user root
}
vrrp_script unused { script /bin/true
}
vrrp_track_process haproxy {
    process /usr/sbin/haproxy
    quorum 2
    delay 2
}
vrrp_track_process upside {
    process nginx
    weight 0 reverse
}
track_file drained {
    file "/run/drained"
    weight -50
    init_file 0
}
vrrp_track_file fault { file /run/fault
    weight 0
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_ipaddress {
        203.0.113.10/24
        10.0.0.1/24 dev eth1
    }
    track_interface {
        eth0
        eth1 weight 10
        eth2
        eth3 weight -5
    }
    track_script {
        chk_haproxy
        chk_web weight 2
        chk_port
        chk_shell
        chk_pipe
        gone
    }
    track_process { haproxy
      upside }
    track_file { drained weight 5 reverse
      fault }
    track_bfd { b }
}
vrrp_sync_group VG {
    group { VI_1
    }
    track_script { chk_haproxy
    }
}
`;

describe("keepalived.conf with what instances track", () => {
  const { config, notes } = imported(TRACKED);

  test("has gates of it", () => {
    expect(config.slice(config.indexOf("[[gate]]"))).toMatchInlineSnapshot(`
      "[[gate]]
      name      = "interface-eth2"
      interface = "eth2"
      interval  = "500ms"
      rise      = 1
      fall      = 1

      [[gate]]
      name      = "interface-eth3"
      interface = "eth3"
      interval  = "500ms"
      rise      = 1
      fall      = 1

      [[gate]]
      name     = "chk-haproxy"
      process  = "haproxy"
      interval = "2s"
      timeout  = "2s"
      rise     = 2
      fall     = 3

      [[gate]]
      name     = "chk-web"
      command  = ["/usr/local/bin/check", "a b", "--fast"]
      user     = "www-data"
      interval = "5s"
      timeout  = "5s"
      rise     = 1
      fall     = 1

      [[gate]]
      name     = "chk-port"
      target   = "127.0.0.1:80"
      interval = "1s"
      timeout  = "1s"
      rise     = 1
      fall     = 1

      [[gate]]
      name     = "chk-shell"
      command  = ["/bin/sh", "-c", "test -f /run/ok && exit 0"]
      user     = "checker"
      interval = "1s"
      timeout  = "1s"
      rise     = 1
      fall     = 1

      [[gate]]
      name     = "chk-pipe"
      command  = ["ip", "route", "|", "grep", "default"]
      interval = "1s"
      timeout  = "1s"
      rise     = 1
      fall     = 1

      [[gate]]
      name     = "haproxy"
      process  = "haproxy"
      interval = "500ms"
      rise     = 1
      fall     = 4

      [[gate]]
      name       = "drained"
      file       = "/run/drained"
      file_state = "not-positive"
      interval   = "500ms"
      rise       = 1
      fall       = 1

      [[gate]]
      name       = "fault"
      file       = "/run/fault"
      file_state = "zero"
      interval   = "500ms"
      rise       = 1
      fall       = 1
      "
    `);
  });

  test("says what means something else here, and what is left out", () => {
    expect(notes).toMatchInlineSnapshot(`
      [
        "6: chk_haproxy only looks for a process, which a gate does by itself",
        "16: init_fail of chk_web: a gate is unknown at first, which moves nothing",
        "20: chk_port only connects, which a gate does by itself",
        "26: chk_pipe looks like a shell's: no shell is involved here, so begin it with "/bin/sh", "-c"",
        "27: chk_pipe runs as nobody here: no gate's program runs as root; see user in [[gate]]",
        "29: vrrp_script unused is left out: nothing tracks it",
        "33: quorum 2 of haproxy: one process is enough here",
        "43: init_file of drained: no file is made here; one that is not there counts as 0",
        "56: eth0 needs no gate: an interface of VIPs or heartbeats is watched by itself",
        "57: eth1 needs no gate: an interface of VIPs or heartbeats is watched by itself",
        "59: weight -5 of eth3: priorities are not added up here; when the gate fails, the VIPs move to a router where fewer fail; effect = "warn" moves nothing",
        "62: weight -20 of chk_haproxy: priorities are not added up here; when the gate fails, the VIPs move to a router where fewer fail; effect = "warn" moves nothing",
        "63: weight 2 of chk_web: priorities are not added up here; when the gate fails, the VIPs move to a router where fewer fail; effect = "warn" moves nothing",
        "67: gone is left out: the file defines no such script",
        "70: upside is left out: reverse turns its meaning around, which no gate does",
        "71: weight 5 of drained: priorities are not added up here; when the gate fails, the VIPs move to a router where fewer fail; effect = "warn" moves nothing",
        "73: track_bfd of vrrp_instance has no counterpart here",
      ]
    `);
  });

  test("is a configuration, but for what the file does not know", () => {
    expect(problemsOf(config).filter((problem) => problem.startsWith("gate"))).toEqual([
      'gate[6].command[0]: command[0]: "ip" is not a program\'s absolute path; begin it with "/"',
    ]);
  });
});

test.each([
  ["killall -0 haproxy", 'process = "haproxy"'],
  ["/usr/bin/killall -0 haproxy", 'process = "haproxy"'],
  ["'killall -0 haproxy'", 'process  = "haproxy"'],
  ["pidof haproxy", 'process = "haproxy"'],
  ["/usr/bin/pgrep -x haproxy", 'process = "haproxy"'],
  ["pgrep -f haproxy", 'command = ["pgrep", "-f", "haproxy"]'],
  ["killall -0 a b", 'command = ["killall", "-0", "a", "b"]'],
  ["< /dev/tcp/localhost/443", 'target = "127.0.0.1:443"'],
  ["</dev/tcp/::1/80", 'target = "[::1]:80"'],
  ["/bin/sh -c 'a b'", 'command = ["/bin/sh", "-c", "a b"]'],
])("keepalived.conf's script %p becomes %s", (script, expected) => {
  const text = `vrrp_script s {\n script "${script}"\n}\nvrrp_instance V {\n interface eth0\n track_script { s\n}\n}\n`;
  const gate = imported(text).config.split("[[gate]]")[1] ?? "";
  expect(gate.replaceAll(/ +=/g, " =")).toContain(`\n${expected.replaceAll(/ +=/g, " =")}\n`);
});

test("keepalived.conf's track entries of one name and several kinds get names of their own", () => {
  const text = `vrrp_script web { script /bin/true
}
vrrp_track_process web { process nginx
}
vrrp_instance V {
  interface eth0
  track_script { web
  }
  track_process { web
  }
}
`;
  expect([...imported(text).config.matchAll(/name +=.*/g)].map(([line]) => line.replaceAll(/ +/g, " "))).toEqual([
    'name = "web"',
    'name = "web-process"',
  ]);
});

test("keepalived.conf's MISC_CHECK keeps words together that stand between quotes", () => {
  const text = `virtual_server 203.0.113.10 80 {
  real_server 10.0.0.11 80 {
    MISC_CHECK {
      misc_path "/bin/sh -c 'exit 0'"
    }
  }
}
`;
  expect(imported(text).config).toContain('command  = ["/bin/sh", "-c", "exit 0"]');
});

test("keepalived.conf with programs for a quorum names what does that here", () => {
  const text = 'virtual_server 203.0.113.10 80 {\n  protocol TCP\n  quorum_up "/bin/up"\n}\n';
  expect(imported(text).notes).toEqual(["3: quorum_up has no counterpart here: see quorum in [hooks]"]);
});

describe("ldirectord.cf", () => {
  test("becomes the services of a configuration", () => {
    expect(imported(LDIRECTORD, NAMES)).toMatchInlineSnapshot(`
      {
        "config": 
      "[[service]]
      name       = "tcp-203.0.113.10-443"
      listen     = "tcp://203.0.113.10:443"
      scheduler  = "wlc"
      on_failure = "quiesce"
      sorry      = "127.0.0.1:443"

      [service.persistence]
      timeout = "600s"
      prefix  = 24

      [[service.check]]
      kind              = "https"
      path              = "/healthz"
      expect_body_regex = "^ok"
      verify            = false
      interval          = "5s"
      timeout           = "3s"
      rise              = 1
      fall              = 1

      [[service.real]]
      address         = "10.0.0.11:443"
      weight          = 2
      forward         = "direct"
      upper_threshold = 100
      lower_threshold = 50

      [[service.real]]
      address         = "10.0.0.12:443"
      weight          = 2
      forward         = "direct"
      upper_threshold = 100
      lower_threshold = 50

      [[service]]
      name      = "fwmark-5"
      listen    = "fwmark:5"
      scheduler = "wrr"

      [[service.check]]
      kind     = "tcp"
      port     = 8080
      interval = "5s"
      timeout  = "3s"
      rise     = 1
      fall     = 1

      [[service.real]]
      address = "10.0.0.99"
      weight  = 1
      forward = "nat"
      "
      ,
        "format": "ldirectord",
        "notes": [
          "1: the VIPs and the two routers are not in this file: add [pair] and [[vip]]",
          "5: https never verified the certificate: verify = false keeps it so",
          "14: emailalert has no counterpart here",
        ],
      }
    `);
  });

  test("says that names are looked up only when that is asked for", () => {
    expect(imported(LDIRECTORD).notes).toEqual([
      '17: "web1" is not an address; names are looked up with --resolve only',
    ]);
  });
});

const PIRANHA = `serial_no = 12
primary = 203.0.113.2
primary_private = 10.0.0.2
service = lvs
backup_active = 1
backup = 203.0.113.3
backup_private = 10.0.0.3
heartbeat = 1
keepalive = 6
deadtime = 18
network = direct
nat_router = 10.0.0.1 eth1:1
syncdaemon = 1
syncd_iface = eth1
tcp_timeout = 800
udp_timeout = 0
virtual web {
     active = 1
     address = 203.0.113.10 eth0:1
     vip_nmask = 255.255.255.0
     port = http
     send = "GET / HTTP/1.0\\r\\n\\r\\n"
     expect = "HTTP"
     load_monitor = none
     scheduler = wlc
     protocol = tcp
     timeout = 6
     reentry = 15
     persistent = 010
     quiesce_server = 1
     server one {
         address = 10.0.0.11
         active = 1
         weight = 2
     }
     server two {
         address = 10.0.0.12
     }
}
`;

describe("lvs.cf", () => {
  test("becomes a configuration", () => {
    expect(imported(PIRANHA)).toMatchInlineSnapshot(`
      {
        "config": 
      "[pair]
      key_file   = "/etc/tandem/pair.key"
      interval   = "6s"
      dead_after = "18s"
      failback   = "manual"

      [pair.primary]
      name    = "primary"
      public  = "203.0.113.2"
      private = "10.0.0.2"

      [pair.backup]
      name    = "backup"
      public  = "203.0.113.3"
      private = "10.0.0.3"

      [[vip]]
      address   = "10.0.0.1/32"
      interface = "eth1"
      label     = "eth1:1"

      [[vip]]
      address   = "203.0.113.10/24"
      interface = "eth0"
      label     = "eth0:1"

      [[service]]
      name       = "web"
      listen     = "tcp://203.0.113.10:80"
      scheduler  = "wlc"
      forward    = "direct"
      on_failure = "quiesce"
      slow_start = "100s"

      [service.persistence]
      timeout = "8s"

      [[service.check]]
      kind     = "send-expect"
      send     = "GET / HTTP/1.0\\r\\n\\r\\n"
      expect   = "HTTP"
      interval = "6s"
      timeout  = "6s"
      rise     = 3
      fall     = 1

      [[service.real]]
      address = "10.0.0.11"
      weight  = 2

      [sync]
      interface = "eth1"

      [timeouts]
      tcp = "800s"
      "
      ,
        "format": "piranha",
        "notes": [
          "1: serial_no has no counterpart here",
          "8: heartbeat has no counterpart here",
          "12: 10.0.0.1 has no mask, which Piranha took from its class: /32 here",
          "24: load_monitor has no counterpart here",
          "36: server two is not active, and is left out",
        ],
      }
    `);
  });

  test("that is complete", () => {
    expect(problemsOf(imported(PIRANHA).config)).toEqual([]);
  });
});

test("any text of any format gives a configuration or issues with a place, and throws nothing", () => {
  const sources = [KEEPALIVED, LDIRECTORD, PIRANHA];
  const words = [
    "{",
    "}",
    "=",
    "virtual",
    "server x {",
    '"',
    "\\",
    "#",
    "!",
    "$A=$B",
    "->",
    "\t",
    "\r\n",
    "é",
    "0x1f",
    "-1",
  ];
  const damaged = fc
    .tuple(fc.constantFrom(...sources), fc.nat(1_200), fc.nat(30), fc.constantFrom("", ...words))
    .map(([text, at, length, word]) => text.slice(0, at) + word + text.slice(at + length));
  const loose = fc.array(fc.constantFrom(...words, "virtual_server", "\n", "real=1.2.3.4"), { maxLength: 30 });
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        loose.map((parts) => parts.join(" ")),
        fc.string({ unit: "binary", maxLength: 80 }),
      ),
      fc.constantFrom(...FOREIGN_FORMATS),
      (text, format) => {
        const result = importForeign(text, format, NAMES);
        const places = result.ok ? result.warnings : result.issues;
        const lines = text.split("\n").length;
        expect(places.filter(({ line }) => line < 1 || line > lines)).toEqual([]);
        // What we write can be read: nothing in it is a mistake of TOML's syntax.
        if (result.ok) expect(() => Bun.TOML.parse(result.config)).not.toThrow();
      },
    ),
    { numRuns: 500 },
  );
});

describe("foreignFormatOf()", () => {
  test.each([
    ["-A -t 203.0.113.10:80 -s rr\n", "ipvsadm"],
    ["# saved\n\nipvsadm --add-service -t 203.0.113.10:80\n", "ipvsadm"],
    ["", "ipvsadm"],
    ["# nothing\n\n", "ipvsadm"],
    ["vrrp_instance VI_1 {\n", "keepalived"],
    ["virtual=203.0.113.10:80\n", "ldirectord"],
    ["serial_no = 1\n", "piranha"],
    ["global\n  daemon\nfrontend web\n  bind 203.0.113.10:80\n", undefined],
    ["[pair]\nport = 1\n", undefined],
    ["- name: a list\n  of: YAML\n", undefined],
    ["\u0000\u0001\u0002", undefined],
  ])("of %j is %p", (text, format) => {
    expect<unknown>(foreignFormatOf(text)).toBe(format);
  });

  test("is not held up by a long text of blanks and comments", () => {
    expect(foreignFormatOf(`${"# comment\n \t\n".repeat(200_000)}x`)).toBeUndefined();
  });
});
