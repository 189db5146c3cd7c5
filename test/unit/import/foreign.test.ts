import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseConfig } from "../../../src/config/parse.ts";
import { FOREIGN_FORMATS, type ForeignFormat, foreignFormatOf, importForeign } from "../../../src/import/foreign.ts";
import { lookupIn, type NameLookup, NO_NAMES } from "../../../src/import/name-lookup.ts";
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
